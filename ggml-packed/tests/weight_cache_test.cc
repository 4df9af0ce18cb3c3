#include "format/weight_cache.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "format/weight_format.h"
#include "kernels/kernels.h"

namespace ggml_packed {
namespace {

constexpr std::int64_t kSize = 64;

struct Memory {
  std::vector<float> values = std::vector<float>(kSize * kSize);
  ggml_tensor tensor{};
  explicit Memory(float value) {
    tensor.type = GGML_TYPE_F32;
    for (int i = 0; i < 4; ++i) tensor.ne[i] = i < 2 ? kSize : 1;
    tensor.nb[0] = 4;
    for (std::size_t i = 1; i < 4; ++i) tensor.nb[i] = i == 1 ? 4 * kSize : 4 * kSize * kSize;
    std::strcpy(tensor.name, "blk.0.attn_q.weight");
    tensor.data = values.data();
    fill(value);
  }
  void fill(float value) { values.assign(values.size(), value); }
};

Layout layout(Format format) { return layout_for(format, *kernels()); }

const PackedMatrix* packed(WeightCache& cache, const ggml_tensor& tensor) {
  ThreadTeam team(1);
  return cache.find_or_pack(tensor, layout(Format::F32), team);
}
float first_value(const PackedMatrix* matrix) { return *reinterpret_cast<const float*>(matrix->panel(0)); }

TEST(WeightCache, PacksOnceForAllContextsOfAModel) {
  const Memory weights(1);
  WeightCache a, b;
  EXPECT_EQ(packed(a, weights.tensor), packed(b, weights.tensor));
  EXPECT_EQ(packed(a, weights.tensor), packed(a, weights.tensor));
}

TEST(WeightCache, NeverServesAFreedModelsWeights) {
  Memory weights(0);  // the same address, name and shape again and again
  for (int i = 1; i <= 50; ++i) {
    weights.fill(static_cast<float>(i));
    WeightCache context;
    EXPECT_EQ(first_value(packed(context, weights.tensor)), static_cast<float>(i));
  }
}

TEST(WeightCache, TellsWeightsApartByTheirBytesWhileAnotherContextLives) {
  Memory weights(1);
  WeightCache old_context;
  EXPECT_EQ(first_value(packed(old_context, weights.tensor)), 1);
  weights.fill(2);
  WeightCache new_context;
  EXPECT_EQ(first_value(packed(new_context, weights.tensor)), 2);
}

std::vector<std::byte> bytes_of(const PackedMatrix& matrix) {
  std::vector<std::byte> all;
  const std::size_t size = matrix.size_bytes() / matrix.panels();
  for (std::size_t i = 0; i < matrix.panels(); ++i) all.insert(all.end(), matrix.panel(i), matrix.panel(i) + size);
  return all;
}

// Two contexts of one model at two levels, as `--kernels` chooses them for contexts that are made later.
TEST(WeightCache, PacksAWeightForEachLayoutThatIsInUse) {
  Memory weights(0);
  for (std::size_t i = 0; i < weights.values.size(); ++i) weights.values[i] = std::sin(static_cast<float>(i));
  std::vector<std::byte> q8(ggml_row_size(GGML_TYPE_Q8_0, kSize) * kSize);
  ggml_quantize_chunk(GGML_TYPE_Q8_0, weights.values.data(), q8.data(), 0, kSize, kSize, nullptr);
  weights.tensor.type = GGML_TYPE_Q8_0;
  weights.tensor.nb[0] = ggml_type_size(GGML_TYPE_Q8_0);
  weights.tensor.nb[1] = ggml_row_size(GGML_TYPE_Q8_0, kSize);
  weights.tensor.nb[2] = weights.tensor.nb[3] = q8.size();
  weights.tensor.data = q8.data();
  ThreadTeam team(1);
  constexpr std::array kLayouts = {
      Layout{Format::Int8, 16, Int8Sign::Signed}, Layout{Format::Int8, 16, Int8Sign::SignedWithSums},
      Layout{Format::Int8, 16, Int8Sign::PlusTo128}, Layout{Format::Int8, 32, Int8Sign::PlusTo128},
      Layout{Format::F32, 32, Int8Sign::PlusTo128}};
  std::array<WeightCache, kLayouts.size()> contexts, more_contexts;
  for (std::size_t i = 0; i < kLayouts.size(); ++i) {
    const PackedMatrix* shared = contexts[i].find_or_pack(weights.tensor, kLayouts[i], team);
    EXPECT_EQ(bytes_of(*shared), bytes_of(PackedMatrix(weights.tensor, kLayouts[i], team))) << "layout " << i;
  }
  for (std::size_t i = 0; i < kLayouts.size(); ++i) {
    EXPECT_EQ(more_contexts[i].find_or_pack(weights.tensor, kLayouts[i], team),
              contexts[i].find_or_pack(weights.tensor, kLayouts[i], team));
  }
}

struct SomeExperts : Memory {
  explicit SomeExperts(float value) : Memory(value) {
    tensor.ne[1] = kSize / 4;
    tensor.ne[2] = 4;
    tensor.nb[2] = tensor.nb[1] * kSize / 4;
  }
};

TEST(WeightCache, KeepsExpertsForEachLayoutThatIsInUse) {
  const SomeExperts weights(1);
  ThreadTeam team(1);
  WeightCache narrow, wide;
  for (auto [cache, rows] : {std::pair(&narrow, 8), std::pair(&wide, 16)}) {
    const Layout wanted{.format = Format::F32, .panel_rows = static_cast<std::size_t>(rows)};
    const PackedMatrix* matrix = cache->find_experts(weights.tensor, wanted)->find_or_pack(weights.tensor, 1, team);
    EXPECT_EQ(matrix->panel_rows(), wanted.panel_rows);
  }
}

TEST(WeightCache, PacksAnExpertWhenItIsAskedAndOnceForAllContexts) {
  SomeExperts weights(0);
  for (std::size_t i = 0; i < weights.values.size(); ++i)
    weights.values[i] = static_cast<float>(i / (weights.values.size() / 4));
  ThreadTeam team(2);
  WeightCache a, b;
  const auto packed = [&](WeightCache& cache, std::size_t expert) {
    PackedExperts* all = cache.find_experts(weights.tensor, layout(Format::F32));
    return all->find_or_pack(weights.tensor, expert, team);
  };
  for (const std::size_t expert : {2, 0, 3}) {
    const PackedMatrix* matrix = packed(a, expert);
    EXPECT_EQ(matrix->rows(), kSize / 4);
    EXPECT_EQ(first_value(matrix), static_cast<float>(expert));
    EXPECT_EQ(packed(b, expert), matrix);
  }
}

TEST(WeightCache, TwoContextsThatAskForTheSameExpertsAtOncePackEachOnce) {
  const SomeExperts weights(1);
  std::array<std::array<const PackedMatrix*, 4>, 2> found{};
  std::array<WeightCache, 2> caches;
  const auto ask = [&](std::size_t context) {
    ThreadTeam team(2);
    PackedExperts* all = caches[context].find_experts(weights.tensor, layout(Format::F32));
    for (std::size_t expert = 0; expert < 4; ++expert) {
      found[context][expert] = all->find_or_pack(weights.tensor, expert, team);
    }
  };
  {
    const std::jthread other([&] { ask(1); });
    ask(0);
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_FALSE(std::ranges::contains(found[0], nullptr));
}

TEST(WeightCache, LeavesALayersExpertsToGgmlAsAWholeAndForGood) {
  const SomeExperts first(1), second(2);
  const std::size_t size = 4 * PackedMatrix::size_of(layout(Format::F32), kSize / 4, kSize);
  WeightCache cache(size + size / 2), of_another_context(0);
  const auto found = [](WeightCache& in, const SomeExperts& experts) {
    return in.find_experts(experts.tensor, layout(Format::F32)) != nullptr;
  };
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(found(cache, first));
    EXPECT_FALSE(found(cache, second));
  }
  EXPECT_FALSE(cache.has_refused(first.tensor));
  EXPECT_TRUE(cache.has_refused(second.tensor));
  EXPECT_TRUE(found(of_another_context, first));  // packed already
}

TEST(WeightCache, LeavesWeightsThatGrowToGgmlWhereTheyWouldTakeTooMuchMemory) {
  constexpr std::int64_t kColumns = 256, kRows = 8;
  std::vector<std::byte> bytes(ggml_row_size(GGML_TYPE_Q5_K, kColumns) * kRows);
  ggml_tensor tensor{};
  tensor.type = GGML_TYPE_Q5_K;
  tensor.ne[0] = kColumns;
  tensor.ne[1] = kRows;
  tensor.ne[2] = tensor.ne[3] = 1;
  tensor.nb[0] = ggml_type_size(GGML_TYPE_Q5_K);
  tensor.nb[1] = ggml_row_size(GGML_TYPE_Q5_K, kColumns);
  tensor.nb[2] = tensor.nb[3] = bytes.size();
  tensor.data = bytes.data();
  const auto pack_into = [&](WeightCache& cache) {
    ThreadTeam team(1);
    return cache.find_or_pack(tensor, layout(Format::Int8), team);
  };
  const std::size_t size = PackedMatrix::size_of(layout(Format::Int8), kRows, kColumns);
  WeightCache without_room(size - 1), with_room(size);
  EXPECT_EQ(pack_into(without_room), nullptr);
  EXPECT_NE(pack_into(with_room), nullptr);
  const Memory others(1);
  EXPECT_NE(packed(without_room, others.tensor), nullptr);
}

TEST(WeightCache, LeavesToGgmlWhatIsMoreThanThereIs) {
  const Memory first(1), second(2);
  const std::size_t size = PackedMatrix::size_of(layout(Format::F32), kSize, kSize);
  WeightCache without_room(2 * size, size - 1), with_room(0, size + size / 2);
  EXPECT_EQ(packed(without_room, first.tensor), nullptr);
  EXPECT_NE(packed(with_room, first.tensor), nullptr);
  EXPECT_EQ(packed(with_room, second.tensor), nullptr);
}

}  // namespace
}  // namespace ggml_packed
