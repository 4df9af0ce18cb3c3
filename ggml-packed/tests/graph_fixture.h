// Graphs computed by ggml's CPU back end and by ours, at each level of CPU.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

#include "kernels/kernels.h"
#include "level_test.h"
#include "test_graph.h"

namespace ggml_packed {

inline constexpr std::int64_t kWidth = 64, kTokens = 21;

inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    size += static_cast<double>(a[i]) * a[i];
  }
  return std::sqrt(error / size);
}

class GraphTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    level_ = kernels(GetParam());
    if (level_ == nullptr) GTEST_SKIP() << "this CPU has no " << GetParam();
    begin();
    ASSERT_TRUE(executor_->is_usable());
  }
  // As for a new context: an executor's packed weights are those of one model.
  void begin() {
    executor_ = std::make_unique<Executor>(*level_);
    executor_->set_threads(2);
  }
  void expect_as_ggml(double tolerance = 2e-3) {
    const auto expected = graph_.compute_by_ggml();
    const auto got = graph_.compute_by(*executor_);
    EXPECT_EQ(graph_.status, GGML_STATUS_SUCCESS);
    EXPECT_LT(difference(expected, got), tolerance);
  }
  void expect_whole_as_ggml(TestGraph& graph, double tolerance) {
    const auto expected = graph.compute_by_ggml();
    EXPECT_LT(difference(expected, graph.compute_by(*executor_)), tolerance);
    EXPECT_EQ(executor_->passed_on(), 0);
  }
  void expect_whole_as_ggml(double tolerance = 1e-4) { expect_whole_as_ggml(graph_, tolerance); }
  const Kernels* level_ = nullptr;
  TestGraph graph_;
  std::unique_ptr<Executor> executor_;
};

// Texts side by side in one batch; `causal`: a token sees what came before it in its text; `window`: what is less far
// away.
inline std::vector<float> mask_of(const std::vector<std::int64_t>& lengths, std::int64_t positions, bool causal,
                                  std::int64_t window = 1 << 20) {
  std::vector<float> mask;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) {
      for (std::int64_t j = 0; j < positions; ++j) {
        const bool seen =
            j >= begin && j < (causal ? begin + i + 1 : begin + length) && std::abs(j - begin - i) < window;
        mask.push_back(seen ? 0.0F : -INFINITY);
      }
    }
    begin += length;
  }
  return mask;
}

// The same, causal, where the first `shared` tokens come before each text's own ones; they are the first queries, too.
inline std::vector<float> mask_after(std::int64_t shared, const std::vector<std::int64_t>& lengths,
                                     std::int64_t positions) {
  std::vector<float> mask;
  const auto add_query = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = 0; j < positions; ++j) {
      mask.push_back((j < shared && j < end) || (j >= begin && j < end) ? 0.0F : -INFINITY);
    }
  };
  for (std::int64_t i = 0; i < shared; ++i) add_query(0, i + 1);
  std::int64_t begin = shared;
  for (const std::int64_t length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) add_query(begin, begin + i + 1);
    begin += length;
  }
  return mask;
}

// Of each token in its text.
inline std::vector<std::int32_t> positions_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int32_t> positions;
  for (const std::int64_t length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) positions.push_back(static_cast<std::int32_t>(i));
  }
  return positions;
}

// Arguments of rotary positions that differ between models.
struct Turn {
  float base = 10000, scale = 1;
  ggml_tensor* factors = nullptr;
  int mode = GGML_ROPE_TYPE_NEOX;
  int dimensions = 0;  // 0: all of a head's
  int trained_context = 8192;
  float yarn = 0, magnitude = 1, beta_fast = 32, beta_slow = 1;
};
inline ggml_tensor* turned(ggml_context* c, ggml_tensor* x, ggml_tensor* positions, const Turn& turn = {}) {
  const int dimensions = turn.dimensions != 0 ? turn.dimensions : static_cast<int>(x->ne[0]);
  return ggml_rope_ext(c, x, positions, turn.factors, dimensions, turn.mode, turn.trained_context, turn.base,
                       turn.scale, turn.yarn, turn.magnitude, turn.beta_fast, turn.beta_slow);
}

}  // namespace ggml_packed
