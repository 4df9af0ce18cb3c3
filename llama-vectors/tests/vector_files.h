// Files of vectors for tests, in a folder that goes with the test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <format>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "llama-table/table_writer.h"
#include "llama-table/vector_encoding.h"
#include "llama-vectors/vector_file.h"

namespace llama {

class VectorFolder {
 public:
  VectorFolder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() / std::format("llama-vectors-test-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path_);
  }
  ~VectorFolder() { std::filesystem::remove_all(path_); }
  VectorFolder(const VectorFolder&) = delete;
  VectorFolder& operator=(const VectorFolder&) = delete;
  [[nodiscard]] std::filesystem::path path(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

using Vectors = std::vector<std::vector<float>>;

inline Vectors random_vectors(std::size_t count, std::size_t dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Vectors vectors(count, std::vector<float>(dimension));
  for (auto& vector : vectors)
    for (float& value : vector) value = normal(random);
  return vectors;
}

struct VectorFileContent {
  Vectors vectors;                 // an empty one is null
  std::vector<std::string> texts;  // none: no such column
  VectorElement element = VectorElement::Float32;
  TableMetadata metadata = {};
};

// As embed writes them, in row groups of a hundred.
inline void write_vectors(const std::filesystem::path& path, const VectorFileContent& content) {
  std::int32_t dimension = 1;
  for (const auto& vector : content.vectors)
    if (!vector.empty()) dimension = static_cast<std::int32_t>(vector.size());
  std::vector<ColumnSpec> columns = {{.name = "embedding",
                                      .type = ColumnType::Vector,
                                      .nullable = true,
                                      .element = content.element,
                                      .dimension = dimension}};
  std::vector<ColumnValues> values(1);
  if (!content.texts.empty()) {
    columns.push_back({.name = "text", .type = ColumnType::Text});
    values.emplace_back().texts = content.texts;
  }
  Vectors all;
  std::vector<float> flat;
  for (const auto& vector : content.vectors) {
    all.push_back(vector.empty() ? std::vector<float>(static_cast<std::size_t>(dimension)) : vector);
    flat.append_range(all.back());
    values[0].valid.push_back(!vector.empty());
  }
  TableOutput output{
      .path = path, .row_group_rows = 100, .existing = ExistingFile::Replace, .metadata = content.metadata};
  if (path.extension() == ".arrow") output.format = OutputFormat::ArrowFile;
  Int8Scales scales;
  if (content.element == VectorElement::Int8) {
    scales = Int8Scales::of(flat, dimension).value();
    std::string starts, steps;
    for (const float start : scales.starts) starts += std::format("{}{}", starts.empty() ? "" : ",", start);
    for (const float step : scales.steps) steps += std::format("{}{}", steps.empty() ? "" : ",", step);
    output.metadata.emplace_back("llama.int8_scales", std::format("{{\"start\":[{}],\"step\":[{}]}}", starts, steps));
  }
  for (const auto& vector : all) {
    switch (content.element) {
      case VectorElement::Float32:
        append_float32(vector, values[0].vectors);
        break;
      case VectorElement::Float16:
        append_float16(vector, values[0].vectors);
        break;
      case VectorElement::Int8:
        append_int8(vector, scales, values[0].vectors);
        break;
      case VectorElement::Bits:
        append_bits(vector, values[0].vectors);
        break;
    }
  }
  auto writer = open_table_writer(output, nullptr, columns);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE((*writer)->write({}, values));
  ASSERT_TRUE((*writer)->close({}));
}

inline VectorFile open_file(const std::filesystem::path& path) {
  auto file = VectorFile::open({.paths = {path.string()}, .column = {}});
  EXPECT_TRUE(file) << file.error().message;
  return std::move(*file);
}

}  // namespace llama
