// What a graph, or the one before it, may do that no model's does: weights that change, memory that is lent twice, a
// failure in the middle.
#include <gtest/gtest.h>

#include <cmath>
#include <new>

#include "graph_fixture.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

class ExecutorTest : public GraphTest {};

// llama-finetune's: the optimizer writes a model's weights.
TEST_P(ExecutorTest, WeightsThatAreTrainedAreReadAnew) {
  ggml_tensor* weights = graph_.weight(GGML_TYPE_F32, kWidth, kWidth);
  ggml_set_param(weights);
  ggml_context* c = graph_.graph_context();
  ggml_tensor* h = ggml_mul_mat(c, weights, graph_.input(kWidth, kTokens));
  graph_.allocate(ggml_mul_mat(c, graph_.weight(GGML_TYPE_F32, kWidth, 16), h));
  expect_as_ggml(1e-5);
  std::vector<float> others(kWidth * kWidth);
  for (std::size_t i = 0; i < others.size(); ++i) others[i] = std::sin(static_cast<float>(i));
  graph_.set(weights, others);
  expect_as_ggml(1e-5);
}

// As of a layer that computes the last token alone, with the mask of all.
TEST_P(ExecutorTest, AMaskThatIsReadByOneQueryAndByMany) {
  for (const std::int64_t first : {std::int64_t{1}, kTokens}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* mask = graph.input(256, kTokens, 1, GGML_TYPE_F16);
    const auto by_head = [&](std::int64_t tokens, ggml_type type) {
      return ggml_permute(c, graph.input(32, 2, tokens, type), 0, 2, 1, 3);
    };
    const auto attended = [&](std::int64_t tokens) {
      ggml_tensor *q = by_head(tokens, GGML_TYPE_F32), *k = by_head(256, GGML_TYPE_F16),
                  *v = by_head(256, GGML_TYPE_F16);
      ggml_tensor* out = ggml_reshape_2d(c, ggml_flash_attn_ext(c, q, k, v, mask, 0.2F, 0, 0), 64, tokens);
      return ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, 64, 16), out);
    };
    graph.allocate(ggml_concat(c, attended(first), attended(kTokens + 1 - first), 1));
    graph.set(mask, mask_of({kTokens}, 256, true));
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 2e-3) << first;
  }
}

// The second graph knows nothing of the first one, whose nodes may be gone.
TEST_P(ExecutorTest, NothingOfAGraphThatFailedIsComputedWithTheNext) {
  const auto build = [](TestGraph& graph) {
    ggml_context* c = graph.graph_context();
    ggml_tensor* h = ggml_sqr(c, graph.input(kWidth, kTokens));  // ggml's
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, 16), h));
  };
  build(graph_);
  int asked = 0;
  executor_->set_abort(
      [](void* data) -> bool {
        if (++*static_cast<int*>(data) > 1) throw std::bad_alloc();
        return false;
      },
      &asked);
  EXPECT_THROW(graph_.compute_by(*executor_), std::bad_alloc);
  executor_->set_abort(nullptr, nullptr);
  TestGraph next;
  build(next);
  next.compute_by(*executor_);
  EXPECT_EQ(executor_->passed_on(), 1);
}

// An allocator may give a sum the memory of what was read before it: the gate's other half, or a bias.
TEST_P(ExecutorTest, AResultInTheMemoryOfWhatWasReadBeforeIt) {
  for (const bool gated : {true, false}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor *x = graph.input(kWidth, kTokens), *room = graph.input(kWidth, 2 * kTokens);
    ggml_tensor* product = ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, kWidth, kWidth), x);
    ggml_tensor* read =
        gated ? ggml_view_2d(c, room, kWidth, kTokens, room->nb[1], 0) : ggml_view_1d(c, room, kWidth, 0);
    ggml_tensor* h = gated ? ggml_swiglu_split(c, product, read) : ggml_add(c, product, read);
    ggml_tensor* sum = ggml_add(c, h, graph.input(kWidth, kTokens));
    graph.allocate(sum);
    sum->data = floats(*room) + (gated ? kWidth / 2 : 0);
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-4) << gated;
  }
}

TEST_P(ExecutorTest, ALayerNormOfNumbersFarFromZero) {
  for (const std::int64_t width : {33, 47, 64}) {
    begin();
    TestGraph graph;
    ggml_context* c = graph.graph_context();
    ggml_tensor* x = graph.input(width, kTokens);
    ggml_tensor* normed = ggml_norm(c, ggml_scale_bias(c, x, 1, 1000), 1e-5F);
    graph.allocate(ggml_mul_mat(c, graph.weight(GGML_TYPE_F32, width, 16), normed));
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), 1e-3) << width;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, ExecutorTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
