// A last layer of which only some rows are read: these alone are computed, and are the same bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "graph_fixture.h"
#include "plugin/needed_rows.h"

namespace ggml_packed {
namespace {

constexpr std::int64_t kQueryHeads = 4, kWidthOfHead = 16;

struct LayerShape {
  std::vector<std::int64_t> lengths = {40, 1, 23};
  std::int64_t key_heads = 2;
  ggml_type type = GGML_TYPE_Q8_0;
  std::int64_t window = 1 << 20;
  bool fused = false;  // queries, keys and values are parts of one product
  bool marked = true;  // what is pooled is an output as well
  bool marked_view = false;
  bool odd_mask = false;
  bool scattered = false;  // each query sees every third cell up to its own, as conversations do that take turns
};

// The last layer of a decoder as llama.cpp builds it: all tokens are picked once more before the feed-forward part, and
// of the result the last token of each text.
class LastLayer {
 public:
  explicit LastLayer(const LayerShape& shape)
      : shape_(shape), tokens_(std::ranges::fold_left(shape.lengths, 0, std::plus())) {
    ggml_context* c = graph.graph_context();
    ggml_tensor* x = graph.input(kWidth, tokens_);
    positions_ = graph.input(tokens_, 1, 1, GGML_TYPE_I32);
    mask_ = graph.input(tokens_, tokens_, 1, GGML_TYPE_F16);
    outputs_ = graph.input(tokens_, 1, 1, GGML_TYPE_I32);
    last_ = graph.input(static_cast<std::int64_t>(shape.lengths.size()), 1, 1, GGML_TYPE_I32);
    ggml_tensor* h = normed(product(kWidth, x));
    const auto [q, k, v] = shape.fused ? parts_of(h) : products_of(h);
    queries = q;
    keys = k;
    const auto by_head = [&](ggml_tensor* t) { return ggml_permute(c, t, 0, 2, 1, 3); };
    const auto halves = [&](ggml_tensor* t) { return ggml_cast(c, by_head(t), GGML_TYPE_F16); };
    ggml_tensor* positioned = turned(c, normed(k), positions_);
    ggml_tensor* attention = ggml_flash_attn_ext(c, by_head(turned(c, normed(q), positions_)), halves(positioned),
                                                 halves(v), mask_, 0.25F, 0, 0);
    h = product(kWidth, ggml_reshape_2d(c, attention, kQueryHeads * kWidthOfHead, tokens_));
    h = ggml_add(c, ggml_get_rows(c, h, outputs_), ggml_get_rows(c, x, outputs_));
    ggml_tensor* n = normed(h);
    ggml_tensor* gate = product(96, n);
    attention_result = attention;
    gate_result = gate;
    h = ggml_add(c, product(kWidth, ggml_swiglu_split(c, gate, product(96, n))), h);
    h = normed(h);
    if (shape.marked) ggml_set_output(h);
    if (shape.marked_view) ggml_set_output(h = ggml_reshape_2d(c, h, kWidth, tokens_));
    graph.allocate(ggml_get_rows(c, h, last_));
    graph.set(positions_, positions_of(shape.lengths));
    std::vector<float> mask = mask_of(shape.lengths, tokens_, true, shape.window);
    if (shape.odd_mask) {  // neither texts side by side nor cells
      float* fifth = mask.data() + 5 * tokens_;
      fifth[0] = -0.5F;
      fifth[1] = fifth[3] = -INFINITY;
    }
    for (std::size_t i = 0; shape.scattered && i < mask.size(); ++i) {
      const auto query = static_cast<std::int64_t>(i) / tokens_, cell = static_cast<std::int64_t>(i) % tokens_;
      mask[i] = cell <= query && cell % 3 == query % 3 ? 0.0F : -INFINITY;
    }
    graph.set(mask_, mask);
    std::vector<std::int32_t> all(static_cast<std::size_t>(tokens_)), last;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
    std::int64_t end = 0;
    for (const std::int64_t length : shape.lengths) last.push_back(static_cast<std::int32_t>((end += length) - 1));
    graph.set(outputs_, all);
    graph.set(last_, last);
  }

  TestGraph graph;
  const ggml_tensor *queries = nullptr, *keys = nullptr, *attention_result = nullptr, *gate_result = nullptr;

 private:
  ggml_tensor* product(std::int64_t rows, ggml_tensor* x) {
    return ggml_mul_mat(graph.graph_context(), graph.weight(shape_.type, x->ne[0], rows), x);
  }
  ggml_tensor* normed(ggml_tensor* t) {
    ggml_context* c = graph.graph_context();
    return ggml_mul(c, ggml_rms_norm(c, t, 1e-6F), graph.weight(GGML_TYPE_F32, t->ne[0], 0));
  }
  std::array<ggml_tensor*, 3> products_of(ggml_tensor* h) {
    const auto heads = [&](std::int64_t count) {
      return ggml_reshape_3d(graph.graph_context(), product(count * kWidthOfHead, h), kWidthOfHead, count, tokens_);
    };
    return {heads(kQueryHeads), heads(shape_.key_heads), heads(shape_.key_heads)};
  }
  std::array<ggml_tensor*, 3> parts_of(ggml_tensor* h) {
    ggml_tensor* all = product((kQueryHeads + 2 * shape_.key_heads) * kWidthOfHead, h);
    const auto part = [&](std::int64_t count, std::int64_t begin) {
      return ggml_view_3d(graph.graph_context(), all, kWidthOfHead, count, tokens_, kWidthOfHead * sizeof(float),
                          all->nb[1], static_cast<std::size_t>(begin * kWidthOfHead) * sizeof(float));
    };
    return {part(kQueryHeads, 0), part(shape_.key_heads, kQueryHeads),
            part(shape_.key_heads, kQueryHeads + shape_.key_heads)};
  }

  const LayerShape shape_;
  const std::int64_t tokens_;
  ggml_tensor *positions_, *mask_, *outputs_, *last_;
};

class NeededRowsTest : public GraphTest {
 protected:
  std::vector<float> computed(LastLayer& layer, Reads reads, int threads = 2) {
    Executor executor(*level_, {.always = true, .reads = reads});
    executor.set_threads(threads);
    return layer.graph.compute_by(executor);
  }
};

TEST_P(NeededRowsTest, AreTheSameBitForBit) {
  for (const LayerShape& shape :
       {LayerShape{}, LayerShape{.type = GGML_TYPE_F16}, LayerShape{.type = GGML_TYPE_F32}, LayerShape{.fused = true},
        LayerShape{.marked = false}, LayerShape{.scattered = true}, LayerShape{.window = 9},
        LayerShape{.lengths = {300, 5, 270, 1}, .type = GGML_TYPE_F16}, LayerShape{.lengths = {2}},
        LayerShape{.lengths = {700}}, LayerShape{.lengths = std::vector<std::int64_t>(100, 3)},
        LayerShape{.lengths = {1, 1, 1}}}) {
    LastLayer layer(shape);
    const auto expected = computed(layer, Reads::Everything);
    for (const int threads : {1, 2, 3}) {
      EXPECT_EQ(expected, computed(layer, Reads::Pooled, threads));
      EXPECT_EQ(expected, computed(layer, Reads::Outputs, threads));
    }
    if (shape.type == GGML_TYPE_F32) EXPECT_LT(difference(layer.graph.compute_by_ggml(), expected), 2e-3);
  }
}

// ggml computes attention of fewer queries in another way.
TEST_P(NeededRowsTest, AreTheSameWithAMaskThatIsGgmls) {
  LastLayer layer({.type = GGML_TYPE_F32, .odd_mask = true});
  const auto expected = layer.graph.compute_by_ggml();
  for (const Reads reads : {Reads::Everything, Reads::Pooled}) {
    EXPECT_LT(difference(expected, computed(layer, reads)), 2e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, NeededRowsTest, kLevels, level_name);

TEST(RowsInUseTest, GoBackToWhereTokensLookAtOneAnother) {
  LastLayer layer({});
  layer.graph.fill();
  const auto nodes = layer.graph.nodes();
  const RowsInUse pooled(nodes, Reads::Pooled), outputs(nodes, Reads::Outputs), all(nodes, Reads::Everything);
  const ggml_tensor *of_queries = rows_of_base(*layer.queries, 2).base, *of_keys = rows_of_base(*layer.keys, 2).base;
  for (const ggml_tensor* node : {of_queries, layer.attention_result, layer.gate_result}) {
    ASSERT_NE(pooled.trimmed(*node), nullptr);
    EXPECT_EQ(*pooled.trimmed(*node)->rows, (Rows{39, 40, 63}));
    EXPECT_EQ(outputs.trimmed(*node), nullptr);  // a marked one needs all of them
  }
  EXPECT_EQ(pooled.trimmed(*of_keys), nullptr);
  EXPECT_FALSE(outputs.any());
  EXPECT_FALSE(all.any());
}

TEST(RowsInUseTest, AreAllOfAViewThatIsAnOutput) {
  LastLayer layer({.marked = false, .marked_view = true});
  layer.graph.fill();
  EXPECT_FALSE(RowsInUse(layer.graph.nodes(), Reads::Outputs).any());
  EXPECT_FALSE(RowsInUse(layer.graph.nodes(), Reads::Pooled).any());
}

TEST(RowsInUseTest, AreAllWhereAnotherBackEndComputesAPart) {
  LastLayer layer({});
  layer.graph.fill();
  const auto nodes = layer.graph.nodes();
  EXPECT_FALSE(RowsInUse(nodes.subspan(1), Reads::Pooled).any());
}

}  // namespace
}  // namespace ggml_packed
