#include "llama-core/kernels.h"

#include <gtest/gtest.h>

#include <vector>

namespace llama {
namespace {

std::string fastest(const std::vector<KernelSpeed>& measured) { return fastest_kernels(measured); }

TEST(FastestKernels, AreTheHighestLevelUnlessALowerOneIsClearlyAhead) {
  EXPECT_EQ(fastest({{"avx512-bf16", 600}, {"avx512-vnni", 400}, {"avx2", 200}}), "avx512-bf16");
  EXPECT_EQ(fastest({{"avx512-bf16", 600}, {"amx-bf16", 590}, {"avx512-vnni", 400}}), "avx512-bf16");
  EXPECT_EQ(fastest({{"avx512-bf16", 600}, {"amx-bf16", 1500}, {"avx512-vnni", 400}}), "amx-bf16");
  EXPECT_EQ(fastest({{"avx512-bf16", 600}, {"avx512-vnni", 650}, {"avx2", 200}}), "avx512-bf16");
  EXPECT_EQ(fastest({{"avx512-vnni", 300}, {"avx2", 400}}), "avx2");
  EXPECT_EQ(fastest({}), "");
}

TEST(MeasureKernels, KnowsTheLevelsOfThisCpuTheHighestFirst) {
  const auto measured = measure_kernels();
  if (measured.empty()) GTEST_SKIP() << "our kernels cannot be used: " << kernels_in_use();
  for (const KernelSpeed& one : measured) EXPECT_GT(one.giga_operations, 0) << one.name;
  EXPECT_TRUE(choose_kernels(fastest_kernels(measured)));
  EXPECT_FALSE(kernels_are_automatic());
  EXPECT_TRUE(choose_kernels("auto"));
  EXPECT_TRUE(kernels_are_automatic());
}

}  // namespace
}  // namespace llama
