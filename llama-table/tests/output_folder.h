// Help the writer's tests: a folder of their own, columns to write, and Arrow's own readers to look at the result.
#pragma once

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/api.h>
#include <arrow/json/from_string.h>
#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <format>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kept_rows.h"
#include "llama-table/table_writer.h"
#include "write/table_writer.h"

namespace llama::internal {

class OutputFolderTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // What lies in the folder, hidden files too.
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
      found.insert(entry.path().lexically_relative(folder_).string());
    return found;
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / std::format("output-{}", ::getpid());
};

inline std::shared_ptr<arrow::Table> read_parquet(const std::filesystem::path& path) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  auto reader = parquet::arrow::OpenFile(file, arrow::default_memory_pool()).ValueOrDie();
  return reader->ReadTable().ValueOrDie();
}

inline std::shared_ptr<arrow::Table> read_arrow_file(const std::filesystem::path& path) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  auto reader = arrow::ipc::RecordBatchFileReader::Open(file).ValueOrDie();
  arrow::RecordBatchVector batches;
  for (int i = 0; i < reader->num_record_batches(); ++i) batches.push_back(reader->ReadRecordBatch(i).ValueOrDie());
  return arrow::Table::FromRecordBatches(reader->schema(), batches).ValueOrDie();
}

inline std::shared_ptr<arrow::Table> read_any(const std::filesystem::path& path) {
  return path.extension() == ".parquet" ? read_parquet(path) : read_arrow_file(path);
}

// Rows begin … end of a batch, as a reader would hand them out.
inline std::vector<KeptRow> kept_rows(const std::shared_ptr<arrow::RecordBatch>& batch, std::size_t begin,
                                      std::size_t end) {
  const auto rows = std::make_shared<const KeptRows>(batch);
  std::vector<KeptRow> kept;
  for (std::size_t i = begin; i < end; ++i) kept.push_back({rows, i});
  return kept;
}

// A column of numbers, and n values of it.
inline const std::vector<ColumnSpec> kNumbered = {{.name = "number", .type = ColumnType::Integer}};

inline std::vector<ColumnValues> numbers(std::int64_t begin, std::int64_t end) {
  std::vector<ColumnValues> columns(1);
  columns[0].integers.resize(static_cast<std::size_t>(end - begin));
  std::iota(columns[0].integers.begin(), columns[0].integers.end(), begin);
  return columns;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Of what Arrow reads from JSON.
inline std::shared_ptr<arrow::Array> array(const std::shared_ptr<arrow::DataType>& type, std::string_view json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

}  // namespace llama::internal
