// A reader that remembers whether it was what failed, so that the exit status can say so.
#pragma once

#include <atomic>
#include <memory>

#include "llama-table/row_reader.h"

namespace llama {

class WatchedReader : public RowReader {
 public:
  explicit WatchedReader(std::unique_ptr<RowReader> reader) : reader_(std::move(reader)) {}

  // True from when next() or count() gave an error; outlives the reader.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> failed() const { return failed_; }

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
    if (!result) *failed_ = true;
    return result;
  }
  std::unique_ptr<RowReader> reader_;
  std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace llama
