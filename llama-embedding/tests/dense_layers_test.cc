#include "llama-embedding/dense_layers.h"

#include <gtest/gtest.h>

#include <optional>

namespace llama {
namespace {

TEST(DenseLayers, AreThoseOfEmbeddingGemmaOrMissing) {
  const GgufTensor other{.name = "token_embd.weight", .shape = {768, 262144, 1, 1}};
  const GgufTensor first{.name = "dense_2.weight", .shape = {768, 3072, 1, 1}};
  const GgufTensor second{.name = "dense_3.weight", .shape = {3072, 768, 1, 1}};
  const GgufTensor narrow{.name = "dense_3.weight", .shape = {1024, 768, 1, 1}};
  struct Row {
    const char* name;
    const char* architecture;
    std::vector<GgufTensor> tensors;
    std::optional<DenseLayers> found;
  };
  const std::vector<Row> rows{
      {"both", "gemma-embedding", {other, second, first}, DenseLayers::Applied},
      {"neither", "gemma-embedding", {other}, DenseLayers::Missing},
      {"no tensors", "gemma-embedding", {}, DenseLayers::Missing},
      {"the first alone", "gemma-embedding", {other, first}, {}},
      {"the second alone", "gemma-embedding", {other, second}, {}},
      {"the second takes something else", "gemma-embedding", {first, narrow}, {}},
      {"another architecture", "bert", {other}, DenseLayers::None},
  };
  for (const Row& row : rows) {
    const auto found = find_dense_layers(row.architecture, row.tensors);
    ASSERT_EQ(found.has_value(), row.found.has_value()) << row.name;
    if (found) {
      EXPECT_EQ(*found, *row.found) << row.name;
    } else {
      EXPECT_EQ(found.error().code, ErrorCode::InvalidModel) << row.name;
    }
  }
}

}  // namespace
}  // namespace llama
