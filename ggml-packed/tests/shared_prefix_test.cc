// Attention of texts whose common beginning lies once before them: the mask that says so, and what comes of it.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "graph_fixture.h"
#include "ops/mask_view.h"

namespace ggml_packed {
namespace {

// A mask in memory of its own, as read by MaskView.
class Mask {
 public:
  Mask(const std::vector<float>& values, std::int64_t positions)
      : queries(values.size() / static_cast<std::size_t>(positions)), positions_(static_cast<std::size_t>(positions)) {
    halves_.resize(values.size());
    ggml_fp32_to_fp16_row(values.data(), halves_.data(), static_cast<std::int64_t>(values.size()));
    tensor_.data = halves_.data();
    tensor_.nb[0] = sizeof(ggml_fp16_t);
    tensor_.nb[1] = positions_ * sizeof(ggml_fp16_t);
  }
  [[nodiscard]] MaskView view() const {
    ThreadTeam team(2);
    return {tensor_, queries, positions_, team};
  }
  std::size_t queries;

 private:
  std::size_t positions_;
  std::vector<ggml_fp16_t> halves_;
  ggml_tensor tensor_{};
};

TEST(MaskOfTexts, WithASharedBeginningIsRead) {
  const MaskView view = Mask(mask_after(20, {3, 1, 7}, 256), 256).view();
  ASSERT_EQ(view.kind(), MaskView::Kind::TextsSideBySide);
  EXPECT_FALSE(view.has_numbers());
  ASSERT_EQ(view.texts().size(), 3u);
  const MaskedText &first = view.texts()[0], &second = view.texts()[1], &third = view.texts()[2];
  // What is shared, and the first text after it, are one run.
  EXPECT_EQ(first.queries, 23u);
  EXPECT_EQ(first.shared, 0u);
  EXPECT_EQ(first.length(), 23u);
  EXPECT_EQ(second.first_query, 23u);
  EXPECT_EQ(second.first_position, 23u);
  EXPECT_EQ(second.first_shared, 0u);
  EXPECT_EQ(second.shared, 20u);
  EXPECT_EQ(second.length(), 21u);
  EXPECT_EQ(third.first_query, 24u);
  EXPECT_EQ(third.queries, 7u);
  EXPECT_EQ(third.length(), 27u);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(view.visible()[24 + i].begin, 0);
    EXPECT_EQ(view.visible()[24 + i].end, static_cast<std::int32_t>(21 + i));
  }
}

// Whatever a mask says, what is read of it is that.
TEST(MaskOfTexts, MeansTheSameWhereverItIsChanged) {
  const std::int64_t shared = 9, positions = 64;
  const std::vector<std::int64_t> lengths{4, 1, 5, 30};
  const std::vector<float> plain = mask_after(shared, lengths, positions);
  const std::size_t queries = plain.size() / positions;
  std::array<int, 3> kinds{};
  for (const float other : {0.0F, -INFINITY, -1.5F, NAN}) {
    for (std::size_t at = 0; at < plain.size(); at += 3) {
      std::vector<float> values = plain;
      values[at] = other;
      const MaskView view = Mask(values, positions).view();
      ++kinds[static_cast<std::size_t>(view.kind())];
      std::vector<float> said(plain.size(), -INFINITY);
      if (view.kind() == MaskView::Kind::TextsSideBySide) {
        for (const MaskedText& text : view.texts()) {
          for (std::size_t i = text.first_query; i < text.first_query + text.queries; ++i) {
            for (auto j = view.visible()[i].begin; j < view.visible()[i].end; ++j) {
              const auto place = static_cast<std::size_t>(j);
              const std::size_t position =
                  place < text.shared ? text.first_shared + place : text.first_position + place - text.shared;
              const std::size_t cell = i * positions + position;
              said[cell] = view.has_numbers() ? values[cell] : 0;
            }
          }
        }
      } else if (view.kind() == MaskView::Kind::Scattered) {
        for (std::size_t i = 0, cell = 0; i < queries; ++i) {
          for (; cell < view.cells_end()[i]; ++cell)
            said[i * positions + static_cast<std::size_t>(view.cells()[cell])] = 0;
        }
      } else {
        continue;
      }
      ASSERT_EQ(said, values) << at << " " << other;
    }
  }
  for (const int count : kinds) EXPECT_GT(count, 0);
}

TEST(MaskOfTexts, OfConversationsWhoseBeginningsWereComputedBeforeIsScattered) {
  // Tokens of four conversations: 200 shared positions, some of their own.
  std::vector<float> values(std::size_t{4} * 512, -INFINITY);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 200; ++j) values[i * 512 + j] = 0;
    for (std::size_t j = 300; j < 310; ++j) values[i * 512 + j + 20 * i] = 0;
  }
  EXPECT_EQ(Mask(values, 512).view().kind(), MaskView::Kind::Scattered);
}

TEST(MaskOfTexts, WithManyShortTextsAfterALongBeginningIsStillOfTexts) {
  const std::vector<std::int64_t> lengths(60, 1);
  EXPECT_EQ(Mask(mask_after(200, lengths, 512), 512).view().kind(), MaskView::Kind::TextsSideBySide);
}

class SharedPrefixTest : public GraphTest {};

struct SharedCase {
  std::int64_t head, heads, key_heads, shared;
  std::vector<std::int64_t> lengths;
  bool computed_before = false;  // what is shared, as the beginning of a conversation that goes on
};

TEST_P(SharedPrefixTest, AttentionAsGgmls) {
  for (const SharedCase& one : {SharedCase{128, 4, 2, 20, {10, 1, 30, 12}}, SharedCase{64, 2, 1, 5, {300}},
                                SharedCase{32, 12, 12, 33, {1, 1, 1}}, SharedCase{80, 3, 3, 100, {3, 64, 200}},
                                SharedCase{9, 2, 2, 17, {5, 7}}, SharedCase{64, 4, 2, 90, {100, 70}, true}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::int64_t places = std::ranges::fold_left(one.lengths, one.shared, std::plus<>());
    const std::int64_t tokens = one.computed_before ? places - one.shared : places;
    const std::int64_t positions = (places + 255) / 256 * 256;
    ggml_tensor* q = ggml_permute(c, graph.input(one.head, one.heads, tokens), 0, 2, 1, 3);
    ggml_tensor* k = ggml_permute(c, graph.input(one.head, one.key_heads, positions, GGML_TYPE_F16), 0, 2, 1, 3);
    ggml_tensor* v = ggml_permute(c, graph.input(one.head, one.key_heads, positions, GGML_TYPE_F16), 0, 2, 1, 3);
    ggml_tensor* mask = graph.input(positions, tokens, 1, GGML_TYPE_F16);
    ggml_tensor* out = ggml_flash_attn_ext(c, q, k, v, mask, 1.0F / std::sqrt(static_cast<float>(one.head)), 0, 0);
    out = ggml_reshape_2d(c, out, one.head * one.heads, tokens);
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, one.head * one.heads, 16), out));
    std::vector<float> seen = mask_after(one.shared, one.lengths, positions);
    seen.erase(seen.begin(), seen.end() - tokens * positions);
    graph.set(mask, seen);
    expect_whole_as_ggml(graph, 2e-3);
  }
}

// Beside texts with a shared beginning one whose mask has numbers, as no model's has.
TEST_P(SharedPrefixTest, AttentionBesideATextWithNumbersIsGgmls) {
  constexpr std::int64_t kShared = 20, kPositions = 256;
  const std::vector<std::int64_t> lengths = {10, 12, 30};
  const std::int64_t tokens = std::ranges::fold_left(lengths, kShared, std::plus<>());
  ggml_context* c = graph_.graph_context();
  const auto input = [&](std::int64_t heads, std::int64_t rows, ggml_type type) {
    return ggml_permute(c, graph_.input(32, heads, rows, type), 0, 2, 1, 3);
  };
  ggml_tensor* mask = graph_.input(kPositions, tokens, 1, GGML_TYPE_F16);
  ggml_tensor* out = ggml_flash_attn_ext(c, input(2, tokens, GGML_TYPE_F32), input(2, kPositions, GGML_TYPE_F16),
                                         input(2, kPositions, GGML_TYPE_F16), mask, 0.2F, 0, 0);
  graph_.allocate(ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, 64, 16), ggml_reshape_2d(c, out, 64, tokens)));
  std::vector<float> values = mask_after(kShared, lengths, kPositions);
  for (std::size_t query = 0; query < kShared; ++query) values[query * kPositions] = -1.5F;
  graph_.set(mask, values);
  expect_as_ggml();
}

// A text after a shared beginning, and the same text whole: the rows of its own tokens.
TEST_P(SharedPrefixTest, ATextHasTheSameRowsBitForBitAsWithTheBeginningBeforeIt) {
  constexpr std::int64_t kShared = 21, kOwn = 6, kHead = 48;
  constexpr std::size_t kFloats = kOwn * kHead * 4;
  std::vector<float> whole;
  for (const std::vector<std::int64_t>& before : {std::vector<std::int64_t>{}, {5}, {1, 40, 3}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::int64_t skipped = std::ranges::fold_left(before, std::int64_t{0}, std::plus<>());
    const std::int64_t tokens = kShared + skipped + kOwn;
    ggml_tensor* queries = graph.input(kHead, 4, tokens);
    ggml_tensor* keys = graph.input(kHead, 2, 256, GGML_TYPE_F16);
    ggml_tensor* values = graph.input(kHead, 2, 256, GGML_TYPE_F16);
    ggml_tensor* mask = graph.input(256, tokens, 1, GGML_TYPE_F16);
    const auto by_head = [&](ggml_tensor* t) { return ggml_permute(c, t, 0, 2, 1, 3); };
    ggml_tensor* out = ggml_flash_attn_ext(c, by_head(queries), by_head(keys), by_head(values), mask, 0.2F, 0, 0);
    ggml_tensor* x = ggml_reshape_2d(c, out, kHead * 4, tokens);
    graph.allocate(ggml_rms_norm(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kHead * 4, kHead * 4), x), 1e-6F));
    for (ggml_tensor* t : {queries, keys, values}) {
      std::vector<float> numbers(static_cast<std::size_t>(ggml_nelements(t)));
      const auto row = static_cast<std::size_t>(t->ne[0] * t->ne[1]);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto token = static_cast<std::int64_t>(i / row);
        // The text's own tokens are the same wherever they are.
        const std::int64_t of_text = token < kShared ? token : token - skipped;
        const double at = token >= kShared && of_text < kShared ? 3.7 : static_cast<double>(of_text + 1);
        numbers[i] = static_cast<float>(std::sin(at * static_cast<double>(i % row + 1)));
      }
      graph.set(t, numbers);
    }
    std::vector<std::int64_t> lengths = before;
    lengths.push_back(kOwn);
    graph.set(mask, mask_after(kShared, lengths, 256));
    const auto all = graph.compute_by(*executor_);
    const std::vector<float> got(all.end() - kFloats, all.end());
    if (whole.empty()) whole = got;
    EXPECT_EQ(whole, got) << skipped;
    EXPECT_EQ(executor_->passed_on(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, SharedPrefixTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
