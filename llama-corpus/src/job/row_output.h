// Write answered rows in order, as the job's policies for errors and long texts say, and count them.
#pragma once

#include <memory>
#include <optional>

#include "answers.h"
#include "job_row.h"
#include "llama-corpus/embed_job.h"
#include "row_columns.h"
#include "row_queue.h"
#include "vector_encoder.h"
#include "vector_sources.h"

namespace llama::internal {

class RowOutput {
 public:
  struct Parts {
    const JobOptions& options;
    const OpenWriter& open_writer;
    const RowReader& reader;  // for the rows' names
    const VectorEncoder& encoder;
    const VectorSources& sources;
    Answers& answers;
    std::int32_t max_length;  // of a text, in tokens
  };
  // What parts refer to must outlive it.
  explicit RowOutput(Parts parts);

  // Errors   the writer's; with OnError::Fail that of the first row without a vector, after the rows before it.
  [[nodiscard]] Result<void> write(const RowQueue::Rows& rows);
  // Nothing more comes: what there is can be read, and is no whole table.
  [[nodiscard]] Result<void> end_early();
  [[nodiscard]] Result<void> write_rest() { return write_columns(); }  // then counts().rows_out is what it will be
  [[nodiscard]] Result<TableSummary> close(const TableMetadata& late);

  // Rows in and out, and why others are not; truncated; not_finite; distinct.
  [[nodiscard]] const JobSummary& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t text_bytes() const { return text_bytes_; }

 private:
  [[nodiscard]] Result<void> put(const JobRow& row);
  [[nodiscard]] Result<void> put_text(const JobRow& row);
  [[nodiscard]] Result<void> put_pieces(const JobRow& row, const TextAnswer* only);
  [[nodiscard]] Result<void> put_empty(const JobRow& row);
  // Null: the caller is to write it.
  [[nodiscard]] Result<void> report(const JobRow& row, const Error& why);
  [[nodiscard]] std::optional<Error> failure_of(const TextAnswer& answer) const;
  [[nodiscard]] Result<void> add(const OutputRow& row);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> write_columns();
  [[nodiscard]] Result<void> open();

  Parts parts_;
  RowColumns columns_;
  std::unique_ptr<RowWriter> writer_;
  JobSummary counts_;
  std::uint64_t text_bytes_ = 0;
  bool has_answered_ = false;  // rows were written since the last flush
};

}  // namespace llama::internal
