#include "kept_columns.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <format>

#include "../kept_rows.h"
#include "../take_rows.h"

namespace llama::internal {
namespace {

std::uint64_t referenced_bytes(const arrow::RecordBatch& batch) {
  return static_cast<std::uint64_t>(arrow::util::ReferencedBufferSize(batch).ValueOr(0));
}

Result<void> check_types(const arrow::Schema& now, const arrow::Schema& before) {
  if (&now == &before) return {};
  if (now.num_fields() != before.num_fields())
    return fail(ErrorCode::InvalidArgument,
                std::format("{} columns go along where there were {}", now.num_fields(), before.num_fields()));
  for (int i = 0; i < now.num_fields(); ++i) {
    if (now.field(i)->type()->Equals(*before.field(i)->type())) continue;
    return fail(ErrorCode::InvalidArgument,
                std::format("column '{}' was {} and now is {}", before.field(i)->name(),
                            before.field(i)->type()->ToString(), now.field(i)->type()->ToString()));
  }
  return {};
}

}  // namespace

// A row's bytes are looked up once per batch, as the average: a job writes each row once, so that the averages add up
// to the truth. A row that is written again and again (once for each chunk of a long text) is measured by itself.
// Cost: two numbers per row.
Result<std::uint64_t> KeptColumns::append(const KeptRow& row) {
  if (row.rows == nullptr) return fail(ErrorCode::InvalidArgument, "a row comes without its kept columns");
  const auto& batch = row.rows->batch();
  const auto index = static_cast<std::int64_t>(row.index);
  const bool is_known = !picks_.empty() && picks_.back().batch == batch;
  if (!is_known) {
    if (auto checked = check_types(*batch->schema(), *schema_); !checked) return std::unexpected(checked.error());
  }
  if (index >= batch->num_rows()) {
    return fail(ErrorCode::InvalidArgument,
                std::format("row {} of {} does not exist in what goes along", index, batch->num_rows()));
  }
  std::uint64_t new_bytes = 0;
  if (!is_known) {
    new_bytes = referenced_bytes(*batch);
    row_bytes_ = new_bytes / static_cast<std::uint64_t>(batch->num_rows());
    is_exact_ = false;
  } else if (picks_.back().index == index) {
    if (!is_exact_) row_bytes_ = referenced_bytes(*batch->Slice(index, 1));
    is_exact_ = true;
    new_bytes = row_bytes_;
  } else if (is_exact_) {
    row_bytes_ = referenced_bytes(*batch) / static_cast<std::uint64_t>(batch->num_rows());
    is_exact_ = false;
  }
  picks_.push_back({batch, index, new_bytes});
  return row_bytes_;
}

arrow::Result<arrow::RecordBatchVector> KeptColumns::take() {
  arrow::RecordBatchVector batches;
  for (std::size_t begin = 0; begin < picks_.size();) {
    std::size_t end = begin + 1;
    for (std::uint64_t bytes = picks_[begin].new_bytes; end < picks_.size(); ++end) {
      bytes += picks_[end].new_bytes;
      if (bytes > max_bytes_) break;
    }
    ARROW_ASSIGN_OR_RAISE(auto batch, gather(begin, end));
    batches.push_back(std::move(batch));
    begin = end;
  }
  picks_.clear();
  return batches;
}

// Rows that follow each other in one batch are a slice of it, and mostly all are; others of one batch are taken by
// their numbers; what comes from several batches is joined. Cost: nothing for one slice, else one copy of the rows.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeptColumns::gather(std::size_t begin, std::size_t end) const {
  arrow::RecordBatchVector pieces;
  while (begin < end) {
    const auto& batch = picks_[begin].batch;
    std::size_t stop = begin + 1;
    bool is_slice = true;
    for (; stop < end && picks_[stop].batch == batch; ++stop)
      is_slice = is_slice && picks_[stop].index == picks_[stop - 1].index + 1;
    const auto count = static_cast<std::int64_t>(stop - begin);
    if (is_slice) {
      pieces.push_back(batch->Slice(picks_[begin].index, count));
    } else {
      std::vector<std::int64_t> rows;
      for (; begin < stop; ++begin) rows.push_back(picks_[begin].index);
      ARROW_ASSIGN_OR_RAISE(auto taken, take_rows(*batch, rows));
      pieces.push_back(std::move(taken));
    }
    begin = stop;
  }
  if (pieces.size() == 1) return pieces.front();
  arrow::ArrayVector columns;
  std::int64_t rows = 0;
  for (const auto& piece : pieces) rows += piece->num_rows();
  for (int i = 0; i < schema_->num_fields(); ++i) {
    arrow::ArrayVector chunks;
    for (const auto& piece : pieces) chunks.push_back(piece->column(i));
    ARROW_ASSIGN_OR_RAISE(auto column, arrow::Concatenate(chunks));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
}

}  // namespace llama::internal
