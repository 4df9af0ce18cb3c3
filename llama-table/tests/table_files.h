// Files for the tests of tables, each in a folder of its own that goes with the test, and short ways to read them.
#pragma once

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kept_rows.h"
#include "kept_schema.h"
#include "llama-table/table_reader.h"

namespace llama {

class TestFolder {
 public:
  TestFolder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() / std::format("llama-table-test-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

inline void must(const arrow::Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

inline void write_parquet(const std::string& path, const arrow::Table& table, std::int64_t row_group_rows = 1000) {
  const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  must(parquet::arrow::WriteTable(table, arrow::default_memory_pool(), out, row_group_rows,
                                  parquet::default_writer_properties(), properties));
  must(out->Close());
}

inline void write_ipc(const std::string& path, const arrow::Table& table, bool is_stream) {
  const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer =
      (is_stream ? arrow::ipc::MakeStreamWriter(out, table.schema()) : arrow::ipc::MakeFileWriter(out, table.schema()))
          .ValueOrDie();
  must(writer->WriteTable(table, 700));
  must(writer->Close());
  must(out->Close());
}

// A table of rows "a 0" …, with their numbers as "id".
inline std::shared_ptr<arrow::Table> small_table(int rows, std::string_view words = "a") {
  arrow::Int64Builder ids;
  arrow::StringBuilder texts;
  for (int i = 0; i < rows; ++i) {
    must(ids.Append(i));
    must(texts.Append(std::format("{} {}", words, i)));
  }
  return arrow::Table::Make(arrow::schema({arrow::field("id", arrow::int64()), arrow::field("text", arrow::utf8())}),
                            {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
}

// All that a reader hands out.
struct ReadTable {
  std::vector<std::vector<Cell>> cells;
  std::vector<std::uint64_t> numbers;
  std::uint64_t skipped = 0;
  std::vector<std::string> failures;  // of rows
  std::shared_ptr<arrow::Table> kept;
  Error error{ErrorCode::Internal, ""};  // what ended the input

  // "(null)" for a null cell.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& row : cells) out.push_back(row.empty() ? "(none)" : row.front().value_or("(null)"));
    return out;
  }
  // Of a kept column, as Arrow writes its values.
  [[nodiscard]] std::vector<std::string> kept_values(const std::string& name) const {
    std::vector<std::string> out;
    const auto column = kept ? kept->GetColumnByName(name) : nullptr;
    for (std::int64_t i = 0; column && i < column->length(); ++i)
      out.push_back(column->GetScalar(i).ValueOrDie()->ToString());
    return out;
  }
  [[nodiscard]] std::string kept_type(const std::string& name) const {
    const auto field = kept ? kept->schema()->GetFieldByName(name) : nullptr;
    return field ? field->type()->ToString() : "(none)";
  }
};

inline ReadTable read_all(TableReader& reader) {
  ReadTable out;
  std::vector<std::shared_ptr<arrow::RecordBatch>> kept;
  for (bool is_at_end = false; !is_at_end;) {
    auto batch = reader.next({});
    if (!batch) {
      out.error = batch.error();
      break;
    }
    for (const Row& row : batch->rows) {
      out.numbers.push_back(row.number);
      if (row.cells) {
        out.cells.push_back(*row.cells);
      } else {
        out.failures.push_back(std::format("{}: {}", reader.name_of(row.number), row.cells.error().message));
      }
    }
    out.skipped += batch->skipped;
    if (batch->kept) {
      EXPECT_EQ(batch->kept->batch()->num_rows(), static_cast<std::int64_t>(batch->rows.size()));
      kept.push_back(batch->kept->batch());
    }
    is_at_end = batch->state == RowState::End;
  }
  const auto* schema = dynamic_cast<const internal::HasKeptSchema*>(&reader);
  if (schema) out.kept = arrow::Table::FromRecordBatches(schema->kept_schema(), kept).ValueOrDie();
  return out;
}

// A failure to open is the error.
inline ReadTable read_table(TableInput input) {
  auto reader = TableReader::open(std::move(input));
  if (reader) return read_all(**reader);
  ReadTable failed;
  failed.error = reader.error();
  return failed;
}

inline TableInput file_input(std::string path, std::vector<std::string> columns = {}) {
  TableInput input;
  input.paths = {std::move(path)};
  input.columns = std::move(columns);
  return input;
}

inline TableInput query_input(std::string sql, std::vector<std::string> columns = {}) {
  TableInput input;
  input.query = std::move(sql);
  input.columns = std::move(columns);
  return input;
}

}  // namespace llama
