#include "row_output.h"

#include <algorithm>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kWrittenRows = 1024;
constexpr std::size_t kWrittenBytes = 16 << 20;

}  // namespace

RowOutput::RowOutput(Parts parts)
    : parts_(parts), columns_(parts.options, parts.encoder.element(), parts.encoder.dimension()) {}

Result<void> RowOutput::open() {
  if (writer_) return {};
  TableMetadata metadata;
  if (std::string scales = parts_.encoder.scales(); !scales.empty())
    metadata.emplace_back("llama.int8_scales", std::move(scales));
  if (parts_.sources.has_other_kernels()) metadata.emplace_back("llama.kernels", parts_.sources.kernels());
  auto opened = parts_.open_writer(columns_.specs(), metadata);
  if (!opened) return std::unexpected(opened.error());
  writer_ = std::move(*opened);
  return {};
}

Result<void> RowOutput::write(const RowQueue::Rows& rows) {
  for (const JobRow& row : rows.rows) {
    ++counts_.rows_in;
    if (row.text) text_bytes_ += row.text->size();
    if (auto done = put(row); !done) {
      // The rows before it are good, and a stream's reader is to get them.
      if (auto written = write_columns(); !written) return written;
      return done;
    }
  }
  if (rows.flush) return flush();
  return parts_.options.answers_each_batch ? Result<void>() : write_columns();
}

Result<void> RowOutput::write_columns() {
  if (columns_.rows() == 0) return {};
  if (auto opened = open(); !opened) return opened;
  if (auto written = writer_->write(columns_.kept(), columns_.values()); !written) return written;
  counts_.rows_out += columns_.rows();
  columns_.clear();
  has_answered_ = true;
  return {};
}

// Somebody who waits for the answer to a batch gets one, also where no row of it is written; but none besides that of
// rows that were too large to wait for the batch's end (add()), for it would be taken for the next batch's.
Result<void> RowOutput::flush() {
  if (auto opened = open(); !opened) return opened;
  const bool is_empty = parts_.options.answers_each_batch && columns_.rows() == 0 && !has_answered_;
  auto written = is_empty ? writer_->write({}, columns_.values()) : write_columns();
  has_answered_ = false;
  return written ? writer_->flush() : written;
}

Result<void> RowOutput::end_early() {
  if (auto written = write_columns(); !written) return written;
  return writer_ ? writer_->flush() : Result<void>();
}

Result<TableSummary> RowOutput::close(const TableMetadata& late) {
  if (auto written = write_columns(); !written) return std::unexpected(written.error());
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  return writer_->close(late);
}

Result<void> RowOutput::put(const JobRow& row) {
  switch (row.kind) {
    case JobRow::Kind::Blank:
      ++counts_.skipped_blank;
      return {};
    case JobRow::Kind::Empty:
      return put_empty(row);
    case JobRow::Kind::Text:
      return put_text(row);
    case JobRow::Kind::Failed:
      if (auto reported = report(row, *row.failure); !reported) return reported;
      return parts_.options.on_error == OnError::Null ? add({.row = row, .error = row.failure->message})
                                                      : Result<void>();
  }
  return {};
}

// Nothing went wrong where there is nothing to embed: it is counted and not reported.
Result<void> RowOutput::put_empty(const JobRow& row) {
  const Error why{ErrorCode::InvalidText, "empty"};
  switch (parts_.options.on_error) {
    case OnError::Fail:
      return report(row, why);
    case OnError::Skip:
      ++counts_.skipped_empty;
      return {};
    case OnError::Null:
      ++counts_.null;
      return add({.row = row, .error = why.message});
  }
  return {};
}

Result<void> RowOutput::report(const JobRow& row, const Error& why) {
  Error named{why.code, std::format("{}: {}", parts_.reader.name_of(row.number), why.message)};
  if (why.code == ErrorCode::InvalidModel) ++counts_.not_finite;
  if (parts_.options.on_error == OnError::Fail) return std::unexpected(std::move(named));
  ++(parts_.options.on_error == OnError::Null ? counts_.null : counts_.skipped_failed);
  if (parts_.options.on_failure) parts_.options.on_failure(row.number, named);
  return {};
}

std::optional<Error> RowOutput::failure_of(const TextAnswer& answer) const {
  if (answer.failure) return answer.failure;
  if (!answer.truncated || parts_.options.on_long != OnLong::Error) return std::nullopt;
  return Error{ErrorCode::InvalidText, std::format("more than {} tokens", parts_.max_length)};
}

// A row of chunks is whole or it is left out; where rows without a vector are written, the chunks that have one keep
// it.
Result<void> RowOutput::put_text(const JobRow& row) {
  std::optional<Error> why;
  bool is_too_long = false, is_truncated = false;
  TextNumber seen = counts_.distinct;
  const TextAnswer* answer = nullptr;
  for (const TextPiece& piece : row.pieces) {
    const auto found = parts_.answers.find(piece.number);
    if (!found) return std::unexpected(found.error());
    answer = *found;
    if (!why) why = failure_of(*answer);
    is_truncated |= answer->truncated;
    is_too_long |= answer->truncated && parts_.options.on_long == OnLong::Skip;
    seen = std::max(seen, piece.number);
  }
  const auto done = [&]() -> Result<void> {
    if (is_too_long) {
      ++counts_.skipped_long;
      return {};
    }
    if (why) {
      auto reported = report(row, *why);
      if (!reported || parts_.options.on_error == OnError::Skip) return reported;
    } else {
      ++counts_.embedded;
    }
    counts_.truncated += is_truncated ? 1 : 0;
    return put_pieces(row, row.pieces.size() == 1 ? answer : nullptr);
  }();
  counts_.distinct = seen;
  return done;
}

Result<void> RowOutput::put_pieces(const JobRow& row, const TextAnswer* only) {
  TextNumber seen = counts_.distinct;
  for (std::size_t i = 0; i < row.pieces.size(); ++i) {
    const TextPiece& piece = row.pieces[i];
    const TextAnswer* answer = only;
    if (answer == nullptr) {
      const auto found = parts_.answers.find(piece.number);
      if (!found) return std::unexpected(found.error());
      answer = *found;
    }
    auto added = add({.row = row,
                      .piece = &piece,
                      .chunk = i,
                      .answer = answer,
                      .shows_time = piece.number > seen,
                      .error = failure_of(*answer).transform([](const Error& error) { return error.message; })});
    if (!added) return added;
    seen = std::max(seen, piece.number);
  }
  return {};
}

Result<void> RowOutput::add(const OutputRow& row) {
  columns_.add(row);
  const bool is_much = parts_.options.answers_each_batch
                           ? columns_.bytes() >= parts_.options.answer_bytes
                           : columns_.rows() >= kWrittenRows || columns_.bytes() >= kWrittenBytes;
  return is_much ? write_columns() : Result<void>();
}

}  // namespace llama::internal
