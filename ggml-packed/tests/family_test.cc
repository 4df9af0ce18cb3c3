// What the graphs of embedding families have beside BERT's, as llama.cpp builds them: computed whole, with ggml's
// results.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <utility>

#include "graph_fixture.h"

namespace ggml_packed {
namespace {

class FamilyTest : public GraphTest {};

// Of queries, keys and values that no memory keeps: heads, tokens of float32.
ggml_tensor* attention(ggml_context* c, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, ggml_tensor* mask, float scale,
                       float soft_cap = 0) {
  const auto by_head = [&](ggml_tensor* t) { return ggml_permute(c, t, 0, 2, 1, 3); };
  const auto halves = [&](ggml_tensor* t) { return ggml_cast(c, by_head(t), GGML_TYPE_F16); };
  ggml_tensor* out = ggml_flash_attn_ext(c, by_head(q), halves(k), halves(v), mask, scale, 0, soft_cap);
  return ggml_reshape_2d(c, out, out->ne[0] * out->ne[1], out->ne[2]);
}

TEST_P(FamilyTest, AScaledResult) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* h = ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, 37), graph_.input(kWidth, kTokens));
  graph_.allocate(ggml_scale_bias(c, ggml_scale(c, h, 0.3F), 2, -1.5F));
  expect_whole_as_ggml();
}

// Gemma's embeddings are scaled by a number for each token: those that come as vectors are not.
TEST_P(FamilyTest, ANumberForEachRow) {
  for (const bool adds : {false, true}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor *x = graph.input(kWidth, kTokens), *numbers = graph.input(1, kTokens);
    ggml_tensor* h = adds ? ggml_add(c, x, numbers) : ggml_mul(c, x, numbers);
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 16), h));
    expect_whole_as_ggml(graph, 1e-4);
  }
}

// Nomic's and ModernBERT's: queries, keys and values are views of one product.
TEST_P(FamilyTest, AttentionOfOneFusedProduct) {
  for (const auto& [key_heads, window] : {std::array<std::int64_t, 2>{4, 1 << 20}, {4, 9}, {2, 9}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::vector<std::int64_t> lengths = {40, 1, 23};
    const std::int64_t tokens = 64, rows = kWidth + 2 * key_heads * 16;
    ggml_tensor* x = graph.input(kWidth, tokens);
    ggml_tensor *positions = graph.input(tokens, 1, 1, GGML_TYPE_I32),
                *mask = graph.input(tokens, tokens, 1, GGML_TYPE_F16);
    ggml_tensor* qkv = ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, rows), x);
    const auto part = [&](std::int64_t heads, std::int64_t begin) {
      return ggml_view_3d(c, qkv, 16, heads, tokens, 16 * sizeof(float), qkv->nb[1],
                          static_cast<std::size_t>(begin) * sizeof(float));
    };
    ggml_tensor *q = turned(c, part(4, 0), positions), *k = turned(c, part(key_heads, kWidth), positions);
    ggml_tensor* h = attention(c, q, k, part(key_heads, kWidth + key_heads * 16), mask, 0.25F);
    graph.allocate(ggml_add(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, kWidth), h), x));
    graph.set(positions, positions_of(lengths));
    graph.set(mask, mask_of(lengths, tokens, false, window));
    expect_whole_as_ggml(graph, 2e-3);
  }
}

// Jina's (ALiBi): what is further away counts less, for each head in another measure; or any numbers, as they are.
TEST_P(FamilyTest, AttentionWithNumbersInItsMask) {
  for (const auto& [heads, most] : {std::pair<std::int64_t, float>{4, 8}, {12, 8}, {6, 0}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::vector<std::int64_t> lengths = {40, 1, 23, 100};
    const std::int64_t tokens = 164;
    ggml_tensor* mask = graph.input(tokens, tokens, 1, GGML_TYPE_F16);
    const auto by_head = [&](ggml_type type) {
      return ggml_permute(c, graph.input(16, heads, tokens, type), 0, 2, 1, 3);
    };
    ggml_tensor* out = ggml_flash_attn_ext(c, by_head(GGML_TYPE_F32), by_head(GGML_TYPE_F16), by_head(GGML_TYPE_F16),
                                           mask, 0.25F, most, 0);
    graph.allocate(
        ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 16 * heads, 32), ggml_reshape_2d(c, out, 16 * heads, tokens)));
    std::vector<float> numbers = mask_of(lengths, tokens, false);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto query = static_cast<float>(i / tokens), position = static_cast<float>(i % tokens);
      if (numbers[i] == 0.0F) numbers[i] = most > 0 ? -std::abs(query - position) : std::sin(static_cast<float>(i));
    }
    graph.set(mask, numbers);
    expect_whole_as_ggml(graph, 2e-3);
  }
}

// ModernBERT's and Jina's: the gate and what it gates are halves of one product.
TEST_P(FamilyTest, AGateOfOneFusedProduct) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor* x = graph_.input(kWidth, kTokens);
  ggml_tensor* h = ggml_mul(c, ggml_norm(c, x, 1e-5F), graph_.weight(GGML_TYPE_F32, kWidth, 0));
  h = ggml_geglu(c, ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, 2 * 96), h));
  graph_.allocate(ggml_add(c, ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, 96, kWidth), h), x));
  expect_whole_as_ggml(1e-3);
}

// Gemma's: norms before and after everything, of each head too, queries scaled apart, heads wider than the model's
// share.
TEST_P(FamilyTest, ALayerOfGemma) {
  ggml_context* c = graph_.graph_context();
  const std::vector<std::int64_t> lengths = {20, 7};
  const std::int64_t tokens = 27;
  ggml_tensor *x = graph_.input(kWidth, tokens), *positions = graph_.input(tokens, 1, 1, GGML_TYPE_I32);
  ggml_tensor* mask = graph_.input(tokens, tokens, 1, GGML_TYPE_F16);
  const auto normed = [&](ggml_tensor* t) {
    return ggml_mul(c, ggml_rms_norm(c, t, 1e-6F), graph_.weight(GGML_TYPE_F32, t->ne[0], 0));
  };
  const auto product = [&](ggml_tensor* t, std::int64_t rows) {
    return ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, t->ne[0], rows), t);
  };
  const auto heads = [&](ggml_tensor* t, std::int64_t count) {
    return ggml_reshape_3d(c, product(t, count * 24), 24, count, tokens);
  };
  ggml_tensor* h = normed(x);
  ggml_tensor* q = ggml_scale(c, turned(c, normed(heads(h, 4)), positions), 0.2F);
  ggml_tensor* k = turned(c, normed(heads(h, 1)), positions);
  ggml_tensor* after = ggml_add(c, normed(product(attention(c, q, k, heads(h, 1), mask, 1), kWidth)), x);
  h = normed(after);
  h = product(ggml_geglu_split(c, product(h, 96), product(h, 96)), kWidth);
  graph_.allocate(ggml_add(c, normed(h), after));
  graph_.set(positions, positions_of(lengths));
  graph_.set(mask, mask_of(lengths, tokens, false, 6));
  expect_whole_as_ggml(2e-3);
}

// Gemma 2's: scores that are capped, in layers with a sliding window and without; its logits are capped as well.
TEST_P(FamilyTest, AttentionWithASoftCap) {
  for (const auto& [cap, window] : {std::pair<float, std::int64_t>{50, 6}, {1.5F, 6}, {1.5F, 1 << 20}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::vector<std::int64_t> lengths = {20, 7, 1, 45};
    const std::int64_t tokens = 73;
    ggml_tensor *positions = graph.input(tokens, 1, 1, GGML_TYPE_I32),
                *mask = graph.input(tokens, tokens, 1, GGML_TYPE_F16);
    const auto heads = [&](std::int64_t count) { return graph.input(24, count, tokens); };
    ggml_tensor *q = turned(c, heads(4), positions), *k = turned(c, heads(2), positions);
    ggml_tensor* h = attention(c, q, k, heads(2), mask, 0.4F, cap);
    h = ggml_scale(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 96, 40), h), 1 / 3.0F);
    graph.allocate(ggml_scale(c, ggml_tanh(c, h), 3));
    graph.set(positions, positions_of(lengths));
    graph.set(mask, mask_of(lengths, tokens, true, window));
    expect_whole_as_ggml(graph, 2e-3);
  }
}

TEST_P(FamilyTest, ASoftCapBesideAlibiAndInTheCellsOfConversations) {
  for (const bool scattered : {false, true}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    const std::int64_t tokens = scattered ? 2 : 40, cells = scattered ? 300 : tokens;
    ggml_tensor* mask = graph.input(cells, tokens, 1, GGML_TYPE_F16);
    const auto by_head = [&](std::int64_t count, ggml_type type) {
      return ggml_permute(c, graph.input(40, 4, count, type), 0, 2, 1, 3);
    };
    ggml_tensor* out = ggml_flash_attn_ext(c, by_head(tokens, GGML_TYPE_F32), by_head(cells, GGML_TYPE_F16),
                                           by_head(cells, GGML_TYPE_F16), mask, 0.4F, scattered ? 0 : 8, 1.5F);
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 160, 32), ggml_reshape_2d(c, out, 160, tokens)));
    std::vector<float> numbers(static_cast<std::size_t>(cells * tokens));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto query = static_cast<std::int64_t>(i) / cells, cell = static_cast<std::int64_t>(i) % cells;
      if (scattered) numbers[i] = cell % 3 == query ? 0.0F : -INFINITY;
      if (!scattered) numbers[i] = -static_cast<float>(std::abs(query - cell));
    }
    graph.set(mask, numbers);
    expect_whole_as_ggml(graph, 2e-3);
  }
}

TEST_P(FamilyTest, ActivationsThatFollowNoProduct) {
  for (const ggml_unary_op op :
       {GGML_UNARY_OP_TANH, GGML_UNARY_OP_GELU, GGML_UNARY_OP_GELU_ERF, GGML_UNARY_OP_SILU, GGML_UNARY_OP_RELU}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* h = ggml_unary(c, ggml_norm(c, graph.input(kWidth, kTokens), 1e-5F), op);
    graph.allocate(ggml_unary(c, ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 16), h), op));
    expect_whole_as_ggml(graph, 1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, FamilyTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
