// A reader that remembers how it failed, so that the exit status can say so.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "llama-table/row_reader.h"

namespace llama {

class WatchedReader : public RowReader {
 public:
  explicit WatchedReader(std::unique_ptr<RowReader> reader) : reader_(std::move(reader)) {}

  // The code of the first error that next() or count() gave; outlives the reader. To be stopped is none: a run that
  // ends for another reason stops its reader, which may wait for a pipe.
  using Failed = std::atomic<std::optional<ErrorCode>>;
  [[nodiscard]] std::shared_ptr<const Failed> failed() const { return failed_; }

  [[nodiscard]] Result<RowBatch> next(const std::stop_token& stop) override { return watch(reader_->next(stop)); }
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) override {
    return watch(reader_->count(stop));
  }
  [[nodiscard]] std::vector<ColumnDescription> kept_columns() const override { return reader_->kept_columns(); }
  [[nodiscard]] InputIdentity identity() const override { return reader_->identity(); }
  [[nodiscard]] std::string name_of(std::uint64_t row) const override { return reader_->name_of(row); }

 private:
  template <class T>
  Result<T> watch(Result<T> result) {
    if (!result && result.error().code != ErrorCode::Cancelled && !failed_->load()) *failed_ = result.error().code;
    return result;
  }
  std::unique_ptr<RowReader> reader_;
  std::shared_ptr<Failed> failed_ = std::make_shared<Failed>();
};

}  // namespace llama
