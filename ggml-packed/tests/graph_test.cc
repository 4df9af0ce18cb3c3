// Graphs as llama.cpp builds them, computed by ggml's CPU back end and by ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "graph_fixture.h"
#include "ops/matmul.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

TEST_P(GraphTest, AFeedForwardLayerOfBert) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, 4 * kWidth), x);
  h = ggml_gelu_erf(c, ggml_add(c, h, graph_.weight(GGML_TYPE_F32, 4 * kWidth, 0)));
  h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, 4 * kWidth, kWidth), h);
  h = ggml_add(c, ggml_add(c, h, graph_.weight(GGML_TYPE_F32, kWidth, 0)), x);
  h = ggml_norm(c, h, 1e-5F);
  h = ggml_add(c, ggml_mul(c, h, graph_.weight(GGML_TYPE_F32, kWidth, 0)), graph_.weight(GGML_TYPE_F32, kWidth, 0));
  graph_.allocate(h);
  expect_as_ggml(1e-4);
}

TEST_P(GraphTest, AGatedLayerWhicheverHalfComesFirst) {
  for (const bool gate_first : {false, true}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* x =
        ggml_mul(c, ggml_rms_norm(c, graph.input(kWidth, kTokens), 1e-6F), graph.weight(GGML_TYPE_F32, kWidth, 0));
    ggml_tensor* a = ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 96), x);
    ggml_tensor* b = ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 96), x);
    ggml_tensor* h = gate_first ? ggml_swiglu_split(c, a, b) : ggml_swiglu_split(c, b, a);
    h = ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 96, kWidth), h);
    graph.allocate(ggml_add(c, h, x));
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-4);
  }
}

TEST_P(GraphTest, QuantizedWeightsAsGgmlWithinTheTypesAccuracy) {
  for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K,
                               GGML_TYPE_F16, GGML_TYPE_BF16}) {
    begin();
    TestGraph graph;
    ggml_tensor* x = graph.input(256, kTokens);
    graph.allocate(ggml_mul_mat(graph.graph_context(), graph.weight(type, 256, 75), x));
    const auto expected = graph.compute_by_ggml();
    // 8 bits: both round activations, each in its own way.
    const double tolerance = ggml_is_quantized(type) ? 0.012 : 0.01;
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), tolerance) << ggml_type_name(type);
  }
}

TEST_P(GraphTest, AnIntermediateResultThatIsReadTwiceIsNotFusedAway) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* product = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kWidth), x);
  ggml_tensor* biased = ggml_add(c, product, graph_.weight(GGML_TYPE_F32, kWidth, 0));
  graph_.allocate(ggml_add(c, ggml_gelu(c, biased), ggml_mul(c, biased, product)));
  expect_as_ggml();
}

TEST_P(GraphTest, WhatItDoesNotKnowIsGgmls) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kWidth), x);
  h = ggml_soft_max(c, ggml_scale(c, ggml_sqr(c, h), 0.1F));
  h = ggml_cont(c, ggml_transpose(c, h));
  graph_.allocate(ggml_sum_rows(c, h));
  expect_as_ggml(1e-4);
}

TEST_P(GraphTest, FewTokensOfTypesThatGrowAreGgmlsBitForBit) {
  ggml_tensor* x = graph_.input(256, 3);
  graph_.allocate(ggml_mul_mat(graph_.graph_context(), graph_.weight(GGML_TYPE_Q5_K, 256, kWidth), x));
  const auto expected = graph_.compute_by_ggml();
  EXPECT_EQ(expected, graph_.compute_by(*executor_));
}

// As the level with tile registers does.
TEST_P(GraphTest, WeightsOf8BitsAsBfloat16WhileThereIsMemoryToSpare) {
  if (!level_->has_bf16) GTEST_SKIP() << GetParam() << " has no bfloat16";
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* product = ggml_mul_mat(graph_.graph_context(), graph_.weight(GGML_TYPE_Q8_0, kWidth, kWidth), x);
  graph_.allocate(product);
  const auto expected = graph_.compute_by_ggml(), narrow = graph_.compute_by(*executor_);
  const auto computed_with = [&](std::uint64_t spare) {
    ThreadTeam team(2);
    WeightCache weights(spare);
    Matmul matmul(*level_, weights, true);
    EXPECT_TRUE(matmul.compute(*product, *product, {}, team));
    return std::vector(floats(*product), floats(*product) + ggml_nelements(product));
  };
  EXPECT_EQ(computed_with(0), narrow);
  const auto wide = computed_with(1 << 20);
  EXPECT_NE(wide, narrow);
  EXPECT_LT(difference(expected, wide), 0.012);
}

struct AttentionCase {
  std::int64_t head, heads, key_heads;
  std::vector<std::int64_t> lengths;
  bool causal;
  std::int64_t window = 1 << 20;
};

std::int64_t tokens_of(const AttentionCase& one) {
  return std::ranges::fold_left(one.lengths, std::int64_t{0}, std::plus<>());
}

// What attention makes of queries [head, heads, tokens], and how far that is from ggml's.
double difference_of_attention(TestGraph& graph, Executor& executor, const AttentionCase& one, ggml_tensor* queries) {
  ggml_context* c = graph.graph_context();
  const std::int64_t tokens = tokens_of(one), positions = (tokens + 255) / 256 * 256;
  ggml_tensor* q = ggml_permute(c, queries, 0, 2, 1, 3);
  ggml_tensor* k = ggml_permute(c, graph.input(one.head, one.key_heads, positions, GGML_TYPE_F16), 0, 2, 1, 3);
  ggml_tensor* v = ggml_permute(c, graph.input(one.head, one.key_heads, positions, GGML_TYPE_F16), 0, 2, 1, 3);
  ggml_tensor* mask = graph.input(positions, tokens, 1, GGML_TYPE_F16);
  ggml_tensor* out = ggml_flash_attn_ext(c, q, k, v, mask, 1.0F / std::sqrt(static_cast<float>(one.head)), 0, 0);
  out = ggml_reshape_2d(c, out, one.head * one.heads, tokens);
  graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, one.head * one.heads, 16), out));
  graph.set(mask, mask_of(one.lengths, positions, one.causal, one.window));
  const auto expected = graph.compute_by_ggml();
  return difference(expected, graph.compute_by(executor));
}

TEST_P(GraphTest, AttentionOfTextsSideBySide) {
  for (const AttentionCase& one :
       {AttentionCase{32, 12, 12, {5, 1, 30, 40}, false}, AttentionCase{128, 4, 2, {7, 64, 3}, true},
        AttentionCase{64, 2, 1, {300}, true}, AttentionCase{80, 3, 3, {33, 33}, false},
        AttentionCase{64, 4, 4, {150, 3, 40, 1, 77}, false, 20}, AttentionCase{64, 4, 2, {150, 3, 40}, true, 33},
        AttentionCase{32, 1, 1, {700, 80}, false, 65}}) {
    begin();
    TestGraph graph;
    ggml_tensor* queries = graph.input(one.head, one.heads, tokens_of(one));
    EXPECT_LT(difference_of_attention(graph, *executor_, one, queries), 2e-3) << one.head << " " << one.causal;
  }
}

// Queries of long texts that come from weights of 16 bits: where the CPU has bfloat16 they, the keys and the values are
// rounded to it.
TEST_P(GraphTest, AttentionOfLongTextsAfterAProduct) {
  for (const AttentionCase& one : {AttentionCase{32, 12, 12, {5, 301, 30, 256}, false},
                                   AttentionCase{128, 4, 2, {400, 64}, true}, AttentionCase{80, 3, 3, {333, 33}, false},
                                   AttentionCase{76, 2, 1, {300}, true, 33}, AttentionCase{9, 2, 2, {257}, true}}) {
    for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16}) {
      begin();
      TestGraph graph;
      ggml_context* c = graph.graph_context();
      ggml_tensor* product =
          ggml_mul_mat(c, graph.weight(type, kWidth, one.head * one.heads), graph.input(kWidth, tokens_of(one)));
      ggml_tensor* queries = ggml_reshape_3d(c, product, one.head, one.heads, tokens_of(one));
      const double far = difference_of_attention(graph, *executor_, one, queries);
      EXPECT_LT(far, type == GGML_TYPE_F32 ? 2e-3 : 1.2e-2) << one.head << " " << one.causal;
      EXPECT_EQ(far > 1e-3, type == GGML_TYPE_F16 && level_->has_bf16) << one.head << " " << one.causal;
    }
  }
}

// Conversations whose cells lie among each other's, a token of each at a time.
TEST_P(GraphTest, AttentionOfTokensOfLongConversations) {
  for (const auto& [head, heads, key_heads] :
       {std::array<std::int64_t, 3>{128, 4, 2}, {64, 9, 3}, {80, 2, 2}, {12, 2, 1}}) {
    for (const std::int64_t tokens : {1, 3}) {
      begin();
      TestGraph graph;
      ggml_context* c = graph.graph_context();
      ggml_tensor* q = ggml_permute(c, graph.input(head, heads, tokens), 0, 2, 1, 3);
      ggml_tensor* k = ggml_permute(c, graph.input(head, key_heads, 512, GGML_TYPE_F16), 0, 2, 1, 3);
      ggml_tensor* v = ggml_permute(c, graph.input(head, key_heads, 512, GGML_TYPE_F16), 0, 2, 1, 3);
      ggml_tensor* mask = graph.input(512, tokens, 1, GGML_TYPE_F16);
      ggml_tensor* out = ggml_flash_attn_ext(c, q, k, v, mask, 1.0F / std::sqrt(static_cast<float>(head)), 0, 0);
      graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, head * heads, 16),
                                  ggml_reshape_2d(c, out, head * heads, tokens)));
      std::vector<float> cells(static_cast<std::size_t>(512 * tokens), -INFINITY);
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t token = i / 512, cell = i % 512;
        if (cell < 400 && (cell < 100 ? token == 0 : cell % 3 == token)) cells[i] = 0;
      }
      graph.set(mask, cells);
      const auto expected = graph.compute_by_ggml();
      EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 2e-3) << head << " " << tokens;
    }
  }
}

// So a text's vector is the same whatever is computed beside it.
TEST_P(GraphTest, ARowIsTheSameBitForBitWhateverIsBesideIt) {
  std::vector<float> alone;
  for (const std::int64_t tokens : {5, 6, 40}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* x = graph.input(kWidth, tokens);
    ggml_tensor* q = ggml_permute(
        c, ggml_reshape_3d(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_Q8_0, kWidth, kWidth), x), 32, 2, tokens), 0, 2, 1,
        3);
    ggml_tensor* k = ggml_permute(c, graph.input(32, 2, 256, GGML_TYPE_F16), 0, 2, 1, 3);
    ggml_tensor* v = ggml_permute(c, graph.input(32, 2, 256, GGML_TYPE_F16), 0, 2, 1, 3);
    ggml_tensor* mask = graph.input(256, tokens, 1, GGML_TYPE_F16);
    ggml_tensor* out = ggml_reshape_2d(c, ggml_flash_attn_ext(c, q, k, v, mask, 0.2F, 0, 0), kWidth, tokens);
    out = ggml_rms_norm(c, ggml_add(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_Q8_0, kWidth, kWidth), out), x), 1e-6F);
    graph.allocate(out);
    for (ggml_tensor* t : {x, k->src[0], v->src[0]}) {
      std::vector<float> values(static_cast<std::size_t>(ggml_nelements(t)));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i * i % 1000));
      graph.set(t, values);
    }
    std::vector<std::int64_t> lengths = {5};
    if (tokens > 5) lengths.push_back(tokens - 5);
    graph.set(mask, mask_of(lengths, 256, true));
    auto got = graph.compute_by(*executor_);
    got.resize(5 * kWidth);
    if (alone.empty()) alone = got;
    EXPECT_EQ(alone, got) << tokens;
  }
}

TEST_P(GraphTest, AttentionWithAMaskOfAnotherKindIsGgmls) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* q = ggml_permute(c, graph_.input(32, 2, kTokens), 0, 2, 1, 3);
  ggml_tensor* k = ggml_permute(c, graph_.input(32, 2, 256, GGML_TYPE_F16), 0, 2, 1, 3);
  ggml_tensor* v = ggml_permute(c, graph_.input(32, 2, 256, GGML_TYPE_F16), 0, 2, 1, 3);
  ggml_tensor* mask = graph_.input(256, kTokens, 1, GGML_TYPE_F16);
  ggml_tensor* out = ggml_reshape_2d(c, ggml_flash_attn_ext(c, q, k, v, mask, 0.2F, 0, 0), 64, kTokens);
  graph_.allocate(ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, 64, 16), out));
  std::vector<float> holes(static_cast<std::size_t>(256 * kTokens), 0.0F);
  for (std::size_t i = 0; i < holes.size(); i += 3) holes[i] = i % 2 == 0 ? -INFINITY : -1.5F;
  graph_.set(mask, holes);
  expect_as_ggml(1e-4);
}

TEST_P(GraphTest, RotaryPositionsOfTextsSideBySide) {
  for (const int mode : {GGML_ROPE_TYPE_NEOX, GGML_ROPE_TYPE_NORMAL}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* x = graph.input(72, 4, kTokens);
    ggml_tensor* positions = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
    ggml_tensor* h = ggml_rope_ext(c, x, positions, nullptr, 72, mode, 32768, 1e6F, 1, 0, 1, 32, 1);
    h = ggml_reshape_2d(c, h, 288, kTokens);
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 288, 16), h));
    std::vector<std::int32_t> values(kTokens);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i % 9 * 100);
    graph.set(positions, values);
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-4) << mode;
  }
}

TEST_P(GraphTest, RowsOfAnotherMemory) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kWidth), x);
  ggml_tensor* memory = graph_.input(kWidth, 64, 1, GGML_TYPE_F16);
  ggml_tensor* places = graph_.input(kTokens, 1, 1, GGML_TYPE_I64);
  ggml_tensor* filled = ggml_set_rows(c, memory, h, ggml_reshape_1d(c, places, kTokens));
  graph_.allocate(ggml_scale(c, ggml_cast(c, filled, GGML_TYPE_F32), 2));
  std::vector<std::int64_t> values(kTokens);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i * 2 + 3);
  graph_.set(places, values);
  expect_as_ggml(1e-4);
}

TEST_P(GraphTest, KeysAndValuesPaddedAndHalved) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kWidth), x);
  h = ggml_permute(c, ggml_reshape_3d(c, h, 16, 4, kTokens), 0, 2, 1, 3);
  h = ggml_cast(c, ggml_pad(c, h, 0, 11, 0, 0), GGML_TYPE_F16);
  graph_.allocate(ggml_scale(c, ggml_cast(c, h, GGML_TYPE_F32), 3));
  expect_as_ggml(1e-4);
}

TEST_P(GraphTest, ATransposedMatrixMadeDense) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, 37), graph_.input(kWidth, kTokens));
  graph_.allocate(ggml_scale(c, ggml_cont(c, ggml_transpose(c, h)), 2));
  expect_as_ggml(1e-5);
}

TEST_P(GraphTest, TokensEmbeddingsPickedAndSummed) {
  for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* tokens = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
    ggml_tensor* x = ggml_get_rows(c, graph.weight(type, 256, 50), ggml_reshape_1d(c, tokens, kTokens));
    x = ggml_add(c, ggml_add(c, x, graph.input(256, kTokens)), graph.weight(GGML_TYPE_F32, 256, 0));
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 256, 16), ggml_mul(c, x, graph.input(256, kTokens))));
    std::vector<std::int32_t> values(kTokens);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * 17 % 50);
    graph.set(tokens, values);
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-4) << ggml_type_name(type);
  }
}

TEST_P(GraphTest, GatesThatFollowNoProduct) {
  for (const int kind : {0, 1, 2, 3}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const auto normed = [&](std::int64_t width) { return ggml_norm(c, graph.input(width, kTokens), 1e-5F); };
    ggml_tensor* gated = kind == 0   ? ggml_geglu(c, normed(2 * kWidth))
                         : kind == 1 ? ggml_glu(c, normed(2 * kWidth), GGML_GLU_OP_SWIGLU, true)
                         : kind == 2 ? ggml_reglu_split(c, normed(kWidth), normed(kWidth))
                                     : ggml_geglu_erf_split(c, normed(kWidth), normed(kWidth));
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 16), gated));
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-3) << kind;
  }
}

TEST_P(GraphTest, StopsWhereItIsToldTo) {
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  graph_.allocate(ggml_mul_mat(graph_.graph_context(), graph_.weight(GGML_TYPE_F32, kWidth, kWidth), x));
  executor_->set_abort([](void*) { return true; }, nullptr);
  graph_.compute_by(*executor_);
  EXPECT_EQ(graph_.status, GGML_STATUS_ABORTED);
}

INSTANTIATE_TEST_SUITE_P(Levels, GraphTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
