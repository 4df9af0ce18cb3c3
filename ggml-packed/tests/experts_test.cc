// Layers of experts as llama.cpp builds them, computed by ggml's CPU back end and by ours.
#include <gtest/gtest.h>

#include <array>

#include "graph_fixture.h"
#include "ops/routing.h"

namespace ggml_packed {
namespace {

constexpr std::int64_t kExperts = 8, kSlots = 2;

// Nobody asks the experts 3 and 6; most ask the first.
std::vector<std::int32_t> some_choices(std::int64_t tokens, std::int64_t slots = kSlots) {
  constexpr std::array kAsked = {0, 1, 2, 4, 5, 7};
  std::vector<std::int32_t> ids;
  for (std::int64_t token = 0; token < tokens; ++token) {
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      ids.push_back(slot == 0 && token % 2 == 0 ? 0 : kAsked[static_cast<std::size_t>(token * 5 + slot + 1) % 6]);
    }
  }
  return ids;
}

class ExpertsTest : public GraphTest {
 protected:
  void begin_always() {
    executor_ = std::make_unique<Executor>(*level_, Executor::Rules{.always = true});
    executor_->set_threads(2);
  }
};

TEST_P(ExpertsTest, EveryTokenByItsExpertsAsGgml) {
  for (const ggml_type type :
       {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K}) {
    for (const std::int64_t tokens : {1, 3, 40, 1300}) {
      for (const bool same_for_all_slots : {true, false}) {
        begin_always();
        TestGraph graph;
        ggml_tensor* x = graph.input(256, same_for_all_slots ? 1 : kSlots, tokens);
        ggml_tensor* ids = graph.input(kSlots, tokens, 1, GGML_TYPE_I32);
        ggml_tensor* weights = graph.experts(type, 256, 75, kExperts);
        graph.allocate(ggml_mul_mat_id(graph.graph_context(), weights, x, ids));
        graph.set(ids, some_choices(tokens));
        const auto expected = graph.compute_by_ggml();
        EXPECT_LT(difference(expected, graph.compute_by(*executor_)), type == GGML_TYPE_F32 ? 1e-5 : 0.012)
            << ggml_type_name(type) << " " << tokens << " " << same_for_all_slots;
        EXPECT_EQ(executor_->passed_on(), 0);
      }
    }
  }
}

// What follows the choice in llama.cpp's layers: with a gate or without, each answer times its weight, all summed.
TEST_P(ExpertsTest, ALayer) {
  for (const bool gated : {false, true}) {
    for (const std::int64_t slots : {1, 2, 5}) {
      for (const std::int64_t tokens : {1, 33}) {
        begin_always();
        TestGraph graph;
        ggml_context* c = graph.graph_context();
        ggml_tensor* x = ggml_rms_norm(c, graph.input(kWidth, tokens), 1e-6F);
        ggml_tensor *ids = graph.input(slots, tokens, 1, GGML_TYPE_I32), *shares = graph.input(1, slots, tokens);
        ggml_tensor* rows = ggml_reshape_3d(c, x, kWidth, 1, tokens);
        const auto asked = [&](std::int64_t columns, std::int64_t outputs, ggml_tensor* of) {
          return ggml_mul_mat_id(c, graph.experts(GGML_TYPE_F32, columns, outputs, kExperts), of, ids);
        };
        ggml_tensor* h = asked(kWidth, 96, rows);
        h = gated ? ggml_swiglu_split(c, asked(kWidth, 96, rows), h) : ggml_gelu(c, h);
        h = ggml_mul(c, asked(96, kWidth, h), shares);
        const auto of_slot = [&](std::int64_t slot) {
          return ggml_view_2d(c, h, kWidth, tokens, h->nb[2], static_cast<std::size_t>(slot) * h->nb[1]);
        };
        ggml_tensor* sum = of_slot(0);
        for (std::int64_t slot = 1; slot < slots; ++slot) sum = ggml_add(c, sum, of_slot(slot));
        graph.allocate(ggml_add(c, sum, x));
        graph.set(ids, some_choices(tokens, slots));
        const auto expected = graph.compute_by_ggml();
        EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-3) << gated << " " << slots << " " << tokens;
        EXPECT_EQ(executor_->passed_on(), 0);
      }
    }
  }
}

// As llama.cpp chooses: the ids are a view of the sorted ones.
TEST_P(ExpertsTest, ChosenByAProduct) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = ggml_rms_norm(c, graph_.input(kWidth, kTokens), 1e-6F);
  ggml_tensor* chances = ggml_soft_max(c, ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kExperts), x));
  ggml_tensor* ids = ggml_argsort_top_k(c, chances, kSlots);
  ggml_tensor* shares = ggml_get_rows(c, ggml_reshape_3d(c, chances, 1, kExperts, kTokens), ids);
  ggml_tensor* h = ggml_mul_mat_id(c, graph_.experts(GGML_TYPE_F32, kWidth, 48, kExperts),
                                   ggml_reshape_3d(c, x, kWidth, 1, kTokens), ids);
  graph_.allocate(ggml_mul(c, h, shares));
  expect_as_ggml(1e-4);
}

// Two layers with other choices, and again with others still: nothing of the last is kept.
TEST_P(ExpertsTest, EachLayerHasItsOwnChoices) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* h = graph_.input(kWidth, kSlots, kTokens);
  const std::array ids = {graph_.input(kSlots, kTokens, 1, GGML_TYPE_I32),
                          graph_.input(kSlots, kTokens, 1, GGML_TYPE_I32)};
  for (ggml_tensor* of_layer : ids) {
    ggml_tensor* answer = ggml_mul_mat_id(c, graph_.experts(GGML_TYPE_F32, kWidth, kWidth, kExperts), h, of_layer);
    h = ggml_add(c, ggml_mul_mat_id(c, graph_.experts(GGML_TYPE_F32, kWidth, kWidth, kExperts), h, ids[0]), answer);
  }
  graph_.allocate(h);
  auto first = some_choices(kTokens), second = first;
  for (auto& id : second) id = 7 - id;
  for (int again = 0; again < 2; ++again) {
    graph_.set(ids[0], first);
    graph_.set(ids[1], second);
    expect_as_ggml(1e-4);
    std::swap(first, second);
  }
}

TEST_P(ExpertsTest, ATokensAnswerIsTheSameBitForBitWhateverIsBesideIt) {
  for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K}) {
    std::vector<float> alone;
    for (const std::int64_t tokens : {1, 2, 40, 700}) {
      begin_always();
      TestGraph graph;
      ggml_tensor *x = graph.input(256, 1, tokens), *ids = graph.input(kSlots, tokens, 1, GGML_TYPE_I32);
      ggml_tensor* weights = graph.experts(type, 256, 75, kExperts);
      graph.allocate(ggml_mul_mat_id(graph.graph_context(), weights, x, ids));
      graph.set(ids, some_choices(tokens));
      auto got = graph.compute_by(*executor_);
      got.resize(75 * kSlots);
      if (alone.empty()) alone = got;
      EXPECT_EQ(alone, got) << ggml_type_name(type) << " " << tokens;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, ExpertsTest, kLevels, level_name);

TEST(Routing, SortsPairsByExpertInTheOrderOfTheirTokens) {
  std::array<std::int32_t, 9> values = {2, 0, -1, 0, 2, -1, 2, 3, -1};  // two of each row of three are the view's
  ggml_tensor ids{};
  ids.ne[0] = 2;
  ids.ne[1] = 3;
  ids.nb[0] = 4;
  ids.nb[1] = 12;
  ids.data = values.data();
  Routing routing;
  routing.read(ids, 5);
  EXPECT_EQ(std::vector(routing.pairs().begin(), routing.pairs().end()),
            (std::vector<std::uint32_t>{1, 2, 0, 3, 4, 5}));
  EXPECT_EQ(std::vector(routing.places().begin(), routing.places().end()),
            (std::vector<std::uint32_t>{2, 0, 1, 3, 4, 5}));
  EXPECT_EQ(routing.begin(0), 0U);
  EXPECT_EQ(routing.end(0), 2U);
  EXPECT_EQ(routing.begin(1), routing.end(1));
  EXPECT_EQ(routing.end(2), 5U);
  EXPECT_EQ(routing.end(4), 6U);
}

}  // namespace
}  // namespace ggml_packed
