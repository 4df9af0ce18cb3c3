// Where a few passes are expected: weights are packed panel by panel and forgotten, and kept only when there were more.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "format/weight_cache.h"
#include "format/weight_format.h"
#include "graph_fixture.h"

namespace ggml_packed {
namespace {

class FewPasses : public GraphTest {};

// More rows of activations than are multiplied at once, few ones, and outputs that fill no panel; all that a product is
// fused with.
TEST_P(FewPasses, AreTheSameBitForBit) {
  const std::array types = {GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K,
                            GGML_TYPE_Q6_K, GGML_TYPE_F16,  GGML_TYPE_F32};
  for (const ggml_type type : types) {
    for (const std::int64_t tokens : {1, 21, 700}) {
      TestGraph graph;
      ggml_context* c = graph.graph_context();
      ggml_tensor* x = graph.input(256, tokens);
      const auto product = [&](std::int64_t columns, std::int64_t rows, ggml_tensor* from) {
        return ggml_mul_mat(c, graph.weight(type, columns, rows), from);
      };
      ggml_tensor* h = ggml_gelu(c, ggml_add(c, product(256, 75, x), graph.weight(GGML_TYPE_F32, 75, 0)));
      ggml_tensor* gated = ggml_swiglu_split(c, product(256, 256, x), product(256, 256, x));
      graph.allocate(ggml_concat(c, h, ggml_add(c, product(256, 256, gated), x), 0));
      for (const bool always : {true, false}) {
        Executor keeping(*level_, {.always = always}), passing(*level_, {.always = always, .few_passes = true});
        keeping.set_threads(2);
        passing.set_threads(2);
        const auto expected = graph.compute_by(keeping);
        for (int pass = 1; pass <= 18; ++pass)
          EXPECT_EQ(expected, graph.compute_by(passing)) << ggml_type_name(type) << ", " << tokens << ", " << pass;
      }
    }
  }
}

TEST_P(FewPasses, WeightsOf8BitsAsBfloat16AreTheSameToo) {
  TestGraph graph;
  graph.allocate(ggml_mul_mat(graph.graph_context(), graph.weight(GGML_TYPE_Q8_0, 256, 75), graph.input(256, kTokens)));
  if (!level_->has_bf16) GTEST_SKIP() << GetParam() << " has no bfloat16";
  Executor keeping(*level_, {.always = true, .widen = true});
  Executor passing(*level_, {.always = true, .widen = true, .few_passes = true});
  const auto expected = graph.compute_by(keeping);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(expected, graph.compute_by(passing)) << i;
}

INSTANTIATE_TEST_SUITE_P(Levels, FewPasses, kLevels, level_name);

class PassingWeight : public testing::Test {
 protected:
  PassingWeight() {
    passing_.expect_few_passes();
    if (kernels() != nullptr) use(GGML_TYPE_F32, Format::F32);
  }
  void use(ggml_type type, Format format) {
    layout_ = layout_for(format, *kernels());
    tensor_.type = type;
    tensor_.ne[0] = tensor_.ne[1] = kWidth;
    tensor_.ne[2] = tensor_.ne[3] = 1;
    tensor_.nb[0] = ggml_type_size(type);
    for (std::size_t i = 1; i < 4; ++i) tensor_.nb[i] = ggml_row_size(type, kWidth) * (i == 1 ? 1 : kWidth);
    tensor_.data = values_.data();
  }
  void SetUp() override {
    if (kernels() == nullptr) GTEST_SKIP() << "no level for this CPU";
  }
  const PackedMatrix* pack(WeightCache& cache) {
    ThreadTeam team(1);
    return cache.find_or_pack(tensor_, layout_, team);
  }

  std::vector<float> values_ = std::vector<float>(kWidth * kWidth, 1);
  ggml_tensor tensor_{};
  Layout layout_;
  WeightCache passing_;
};

TEST_F(PassingWeight, PassesOnce) {
  WeightCache keeping;
  EXPECT_FALSE(keeping.passes(tensor_, layout_));
  EXPECT_TRUE(passing_.passes(tensor_, layout_));
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
  EXPECT_NE(pack(passing_), nullptr);
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
}

TEST_F(PassingWeight, PassesAFewTimesWhereItsBytesAreMoved) {
  use(GGML_TYPE_Q8_0, Format::Int8);
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(passing_.passes(tensor_, layout_)) << i;
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
  EXPECT_NE(pack(passing_), nullptr);
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
}

TEST_F(PassingWeight, PassesNoMoreWhereAnotherContextHasKeptIt) {
  use(GGML_TYPE_Q8_0, Format::Int8);
  EXPECT_TRUE(passing_.passes(tensor_, layout_));
  WeightCache other;
  const PackedMatrix* kept = pack(other);
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
  EXPECT_EQ(pack(passing_), kept);
}

TEST_F(PassingWeight, PassesNotWhereAnotherContextKeepsIt) {
  WeightCache other;
  const PackedMatrix* kept = pack(other);
  EXPECT_FALSE(passing_.passes(tensor_, layout_));
  EXPECT_EQ(pack(passing_), kept);
}

// Else a text's vector would depend on how many others there are.
TEST_F(PassingWeight, PassesNotWhereThereIsNoMemoryToKeepItAndIsCountedOnce) {
  const std::size_t size = PackedMatrix::size_of(layout_, kWidth, kWidth);
  WeightCache small(size, size - 1), enough(size, size);
  small.expect_few_passes();
  enough.expect_few_passes();
  EXPECT_FALSE(small.passes(tensor_, layout_));
  EXPECT_EQ(pack(small), nullptr);
  EXPECT_TRUE(enough.passes(tensor_, layout_));
  EXPECT_NE(pack(enough), nullptr);
}

}  // namespace
}  // namespace ggml_packed
