// Tables in memory: a reader that follows a script, and a writer that remembers rows and may fail.
#pragma once

#include <deque>
#include <format>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "llama-table/row_reader.h"
#include "llama-table/row_writer.h"

namespace llama {

// The kept columns of a batch: numbers of its rows, that nobody but the writer below looks at.
struct KeptNumbers {
  std::vector<std::uint64_t> numbers;
  static KeptRows make(std::vector<std::uint64_t> numbers) {
    auto made = std::make_shared<const KeptNumbers>(std::move(numbers));
    return {made, reinterpret_cast<const internal::KeptRows*>(made.get())};
  }
  static const KeptNumbers& of(const KeptRows& rows) { return *reinterpret_cast<const KeptNumbers*>(rows.get()); }
};

class MemoryReader : public RowReader {
 public:
  explicit MemoryReader(std::deque<Result<RowBatch>> batches, std::string fingerprint = "memory")
      : batches_(std::move(batches)), fingerprint_(std::move(fingerprint)) {}
  explicit MemoryReader(std::function<Result<RowBatch>(const std::stop_token&)> script) : script_(std::move(script)) {}

  Result<RowBatch> next(const std::stop_token& stop) override {
    if (script_) return script_(stop);
    RowBatch end;
    end.state = RowState::End;
    if (batches_.empty()) return end;
    auto batch = std::move(batches_.front());
    batches_.pop_front();
    return batch;
  }
  std::vector<ColumnDescription> kept_columns() const override { return {{.name = "number", .type = "BIGINT"}}; }
  Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return std::nullopt; }
  InputIdentity identity() const override { return {.what = "file 'memory'", .fingerprint = fingerprint_}; }
  std::string name_of(std::uint64_t row) const override { return std::format("row {}", row); }

 private:
  std::deque<Result<RowBatch>> batches_;
  std::function<Result<RowBatch>(const std::stop_token&)> script_;
  std::string fingerprint_ = "memory";
};

// Rows of one cell, numbered from `first`; nothing is a null cell.
inline RowBatch batch_of(std::vector<Cell> cells, std::uint64_t first = 0, RowState state = RowState::More) {
  RowBatch batch;
  batch.state = state;
  std::vector<std::uint64_t> numbers;
  for (Cell& cell : cells) {
    numbers.push_back(first);
    batch.rows.push_back({.number = first++, .cells = std::vector<Cell>{std::move(cell)}});
  }
  batch.kept = KeptNumbers::make(std::move(numbers));
  return batch;
}

// What was written; outlives the writer.
struct WrittenTable {
  std::vector<ColumnSpec> columns;
  TableMetadata metadata, late;
  std::vector<std::uint64_t> kept;
  std::vector<ColumnValues> values;
  std::vector<std::size_t> batches;  // of so many rows, each written by itself
  std::vector<std::size_t> flushes;  // after so many rows
  std::size_t rows = 0;
  int calls = 0;
  bool is_closed = false;

  [[nodiscard]] const ColumnValues& column(std::string_view name) const {
    for (std::size_t i = 0; i < columns.size() && i < values.size(); ++i) {
      if (columns[i].name == name) return values[i];
    }
    static const ColumnValues kNone;
    return kNone;
  }
};

class MemoryWriter : public RowWriter {
 public:
  // fails_at: the call, counted from 1, that fails with NoSpace.
  MemoryWriter(WrittenTable& table, int fails_at) : table_(table), fails_at_(fails_at) {}

  Result<void> write(std::span<const KeptRow> kept, std::span<const ColumnValues> columns) override {
    if (auto called = call(); !called) return called;
    for (const KeptRow& row : kept) table_.kept.push_back(KeptNumbers::of(row.rows).numbers.at(row.index));
    table_.values.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      append(table_.values[i].texts, columns[i].texts);
      append(table_.values[i].integers, columns[i].integers);
      append(table_.values[i].numbers, columns[i].numbers);
      append(table_.values[i].vectors, columns[i].vectors);
      append(table_.values[i].valid, columns[i].valid);
    }
    table_.rows += kept.size();
    table_.batches.push_back(kept.size());
    return {};
  }
  Result<void> flush() override {
    table_.flushes.push_back(table_.rows);
    return call();
  }
  Result<TableSummary> close(const TableMetadata& late) override {
    if (auto called = call(); !called) return std::unexpected(called.error());
    table_.late = late;
    table_.is_closed = true;
    return TableSummary{.rows = table_.rows, .size_bytes = 1, .parts = {}};
  }

 private:
  template <class T>
  static void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }
  Result<void> call() {
    return ++table_.calls == fails_at_ ? Result<void>(fail(ErrorCode::NoSpace, "the disk is full")) : Result<void>();
  }
  WrittenTable& table_;
  int fails_at_;
};

}  // namespace llama
