// Rotary positions of all kinds that llama.cpp's graphs have: computed whole, with ggml's results.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "graph_fixture.h"

namespace ggml_packed {
namespace {

class RopeTest : public GraphTest {};

TEST_P(RopeTest, RotaryPositionsWithFactorsForTheFrequencies) {
  for (const int mode : {GGML_ROPE_TYPE_NEOX, GGML_ROPE_TYPE_NORMAL}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor *x = graph.input(24, 4, kTokens), *positions = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
    ggml_tensor* factors = graph.weight(GGML_TYPE_F32, 12, 0);
    ggml_tensor* h = turned(c, x, positions, {.factors = factors, .mode = mode});
    h = ggml_add(c, h, turned(c, x, positions, {.mode = mode}));  // some without, of the same positions
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 96, 16), ggml_reshape_2d(c, h, 96, kTokens)));
    std::vector<float> of_frequencies(12);
    for (std::size_t i = 0; i < 12; ++i) of_frequencies[i] = 1.0F + static_cast<float>(i);
    graph.set(factors, of_frequencies);
    graph.set(positions, positions_of({kTokens}));
    expect_whole_as_ggml(graph, 1e-4);
  }
}

TEST_P(RopeTest, LayersThatTurnAtTwoSpeeds) {
  ggml_context* c = graph_.graph_context();
  ggml_tensor *x = graph_.input(32, 2, kTokens), *positions = graph_.input(kTokens, 1, 1, GGML_TYPE_I32);
  for (int layer = 0; layer < 4; ++layer) {
    const bool windowed = layer % 2 == 0;
    x = turned(c, x, positions, {.base = windowed ? 1e4F : 1e6F, .scale = windowed ? 1 : 0.125F});
    x = ggml_reshape_3d(
        c, ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, kWidth), ggml_reshape_2d(c, x, kWidth, kTokens)), 32, 2,
        kTokens);
  }
  graph_.allocate(x);
  graph_.set(positions, positions_of({13, 8}));
  for (int again = 0; again < 2; ++again) expect_whole_as_ggml();  // angles are kept for a graph, no longer
  graph_.set(positions, positions_of({5, 16}));
  expect_whole_as_ggml();
}

// GLM's, StableLM's, GPT-NeoX's and Phi's: the first part of a head turns, the rest stays as it is.
TEST_P(RopeTest, HeadsOfWhichAPartTurns) {
  for (const int mode : {GGML_ROPE_TYPE_NEOX, GGML_ROPE_TYPE_NORMAL}) {
    for (const int dimensions : {2, 20, 32, 38}) {
      begin();
      TestGraph graph;
      ggml_context* c = graph.graph_context();
      ggml_tensor *x = graph.input(120, 4, kTokens), *positions = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
      ggml_tensor* factors = graph.weight(GGML_TYPE_F32, dimensions / 2, 0);
      ggml_tensor* part = ggml_view_3d(c, x, 40, 4, kTokens, x->nb[1], x->nb[2], 40 * sizeof(float));
      ggml_tensor* h = turned(c, part, positions, {.mode = mode, .dimensions = dimensions});
      h = turned(c, h, positions, {.factors = factors, .mode = mode, .dimensions = dimensions});
      graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 160, 16), ggml_reshape_2d(c, h, 160, kTokens)));
      graph.set(factors, std::vector<float>(static_cast<std::size_t>(dimensions / 2), 1.5F));
      graph.set(positions, positions_of({15, 6}));
      expect_whole_as_ggml(graph, 1e-4);
    }
  }
}

// DeepSeek's (MLA): the values that turn are the last ones of a head, in its own memory or not.
TEST_P(RopeTest, HeadsOfWhichALaterPartTurns) {
  for (const int mode : {GGML_ROPE_TYPE_NEOX, GGML_ROPE_TYPE_NORMAL}) {
    for (const auto& [dimensions, offset] : {std::pair(24, 16), {8, 4}, {38, 2}, {40, 0}}) {
      begin();
      TestGraph graph;
      ggml_context* c = graph.graph_context();
      ggml_tensor *x = graph.input(40, 4, kTokens), *positions = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
      ggml_tensor* h = ggml_scale(c, x, 2);
      for (int again = 0; again < 2; ++again) {
        h = ggml_rope_set_offset(turned(c, h, positions, {.mode = mode, .dimensions = dimensions}), offset);
      }
      h = ggml_add(c, h, ggml_rope_set_offset(turned(c, x, positions, {.mode = mode, .dimensions = 2}), offset));
      graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 160, 16), ggml_reshape_2d(c, h, 160, kTokens)));
      graph.set(positions, positions_of({15, 6}));
      SCOPED_TRACE(std::to_string(mode) + ", " + std::to_string(dimensions) + " from " + std::to_string(offset));
      expect_whole_as_ggml(graph, 1e-4);
    }
  }
}

TEST_P(RopeTest, RotaryPositionsStretchedByYarn) {
  for (const Turn& turn :
       {Turn{.scale = 0.25F, .yarn = 1}, Turn{.base = 1e6F, .scale = 0.025F, .trained_context = 32768, .yarn = 1},
        Turn{.scale = 0.125F, .mode = GGML_ROPE_TYPE_NORMAL, .dimensions = 40, .yarn = 1, .magnitude = 1.2F},
        Turn{.scale = 0.5F, .trained_context = 300, .yarn = 0.6F, .beta_fast = 16, .beta_slow = 2},
        Turn{.scale = 0.5F, .trained_context = 100, .yarn = 1, .beta_fast = 1, .beta_slow = 1},
        Turn{.scale = 0.5F, .magnitude = 1.3F}}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor *x = graph.input(72, 4, kTokens), *positions = graph.input(kTokens, 1, 1, GGML_TYPE_I32);
    ggml_tensor* h = turned(c, x, positions, turn);
    Turn other = turn;  // of the same positions: angles are not mixed up
    other.beta_slow *= 2;
    h = ggml_add(c, h, turned(c, x, positions, other));
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 288, 16), ggml_reshape_2d(c, h, 288, kTokens)));
    std::vector<std::int32_t> values(kTokens);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i % 9 * 100);
    graph.set(positions, values);
    expect_whole_as_ggml(graph, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, RopeTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
