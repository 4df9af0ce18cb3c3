// Products of more rows than a thread multiplies at once, and of so many that each thread has rows of its own.
#include <gtest/gtest.h>

#include <cstdint>

#include "graph_fixture.h"

namespace ggml_packed {
namespace {

class RowGroups : public GraphTest {};

TEST_P(RowGroups, AreTheSameBitForBitWithAnyNumberOfThreads) {
  for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_F16, GGML_TYPE_F32}) {
    for (const std::int64_t rows : {9, 127, 128, 193, 513, 1031}) {
      TestGraph graph;
      ggml_tensor* x = graph.input(256, rows);
      graph.allocate(ggml_mul_mat(graph.graph_context(), graph.weight(type, 256, 75), x));
      const auto expected = graph.compute_by_ggml();
      Executor alone(*level_);
      const auto by_one = graph.compute_by(alone);
      // 8 bits: both round activations, each in its own way.
      EXPECT_LT(difference(expected, by_one), ggml_is_quantized(type) ? 0.012 : 0.01)
          << ggml_type_name(type) << ", " << rows << " rows";
      for (const int threads : {2, 3, 7}) {
        Executor team(*level_);
        team.set_threads(threads);
        EXPECT_EQ(graph.compute_by(team), by_one)
            << ggml_type_name(type) << ", " << rows << " rows, " << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, RowGroups, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
