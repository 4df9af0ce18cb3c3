#include "read/text_lines_source.h"

#include <arrow/builder.h>

#include <algorithm>
#include <format>
#include <string_view>

#include "llama-base/blank_text.h"
#include "llama-base/text_kind.h"
#include "read/arrow_error.h"

namespace llama::internal {
namespace {

constexpr std::size_t kTextBlockBytes = 1 << 18;
constexpr std::size_t kMaxBatchLines = 2048, kMaxBatchBytes = 4 << 20;
constexpr std::string_view kTextMark = "\xef\xbb\xbf";

}  // namespace

TextLinesSource::TextLinesSource(std::vector<std::string> files, std::unique_ptr<InputBytes> first)
    : files_(std::move(files)),
      schema_(arrow::schema({arrow::field("text", arrow::utf8(), false)})),
      reader_(std::move(first)),
      file_(reader_ ? 1 : 0),
      buffer_(kTextBlockBytes) {
  if (reader_) first_lines_.push_back(0);
}

Result<void> TextLinesSource::start(const Selection&, const std::stop_token&) { return {}; }

Result<bool> TextLinesSource::open_next() {
  reader_.reset();
  if (file_ == files_.size()) return false;
  auto reader = InputBytes::open(files_[file_]);
  if (!reader) return std::unexpected(reader.error());
  reader_ = std::move(*reader);
  ++file_;
  is_first_line_ = is_first_block_ = true;
  const std::scoped_lock lock(mutex_);
  first_lines_.push_back(lines_);
  return true;
}

Result<TextLinesSource::Taken> TextLinesSource::take_line(bool may_wait, const std::stop_token& stop) {
  if (std::exchange(is_whole_, false)) line_.clear();
  for (;;) {
    if (begin_ < end_) {
      const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
      const std::size_t found = rest.find('\n');
      line_ += rest.substr(0, found);
      begin_ = found == std::string_view::npos ? end_ : begin_ + found + 1;
      if (found != std::string_view::npos) return Taken::Line;
      continue;
    }
    if (!reader_) {
      const auto opened = open_next();
      if (!opened) return std::unexpected(opened.error());
      if (!*opened) return Taken::End;
    }
    if (!may_wait && !reader_->is_ready()) return Taken::Wait;
    const auto count = reader_->read(buffer_, stop);
    if (!count) return std::unexpected(count.error());
    if (std::exchange(is_first_block_, false))
      if (const auto why = why_no_text({buffer_.data(), *count}))
        return fail(ErrorCode::InvalidText, std::format("{} is no text in UTF-8: {}", reader_->name(), *why));
    begin_ = 0;
    end_ = *count;
    if (end_ > 0) continue;
    reader_.reset();
    if (!line_.empty()) return Taken::Line;
  }
}

// A line that has begun to come is not waited for while whole ones before it are unanswered (text_source.h says why).
Result<TableBatch> TextLinesSource::next(const std::stop_token& stop) {
  if (error_) return std::unexpected(*std::exchange(error_, std::nullopt));
  TableBatch batch;
  arrow::StringBuilder texts;
  arrow::Status status;
  while (batch.numbers.size() < kMaxBatchLines && std::cmp_less(texts.value_data_length(), kMaxBatchBytes)) {
    const auto taken = take_line(may_wait_ && batch.numbers.empty(), stop);
    if (!taken) {
      if (batch.numbers.empty()) return std::unexpected(taken.error());
      error_ = taken.error();
      break;
    }
    if (*taken != Taken::Line) {
      batch.state = *taken == Taken::End ? RowState::End : RowState::Pause;
      break;
    }
    is_whole_ = true;
    std::string_view text = line_;
    if (std::exchange(is_first_line_, false) && text.starts_with(kTextMark)) text.remove_prefix(kTextMark.size());
    if (text.ends_with('\r')) text.remove_suffix(1);
    const std::uint64_t number = lines_++;
    if (is_blank(text)) {
      ++batch.skipped;
      continue;
    }
    batch.numbers.push_back(number);
    status = texts.Append(text);
    if (!status.ok()) return arrow_read_failure(status, std::format("line {}", number + 1));
  }
  may_wait_ = batch.state == RowState::Pause;
  std::shared_ptr<arrow::Array> array;
  status = texts.Finish(&array);
  if (!status.ok()) return arrow_read_failure(status, "the text");
  batch.rows = arrow::RecordBatch::Make(schema_, array->length(), {array});
  return batch;
}

// Reads the files on the side, keeping no line.
Result<std::optional<std::uint64_t>> TextLinesSource::count(const std::stop_token& stop) {
  if (reader_ != nullptr && !reader_->is_regular()) return std::nullopt;
  TextLinesSource other(files_, nullptr);
  for (std::uint64_t rows = 0;;) {
    const auto taken = other.take_line(true, stop);
    if (!taken) return std::unexpected(taken.error());
    if (*taken == Taken::End) return rows;
    other.is_whole_ = true;
    std::string_view text = other.line_;
    if (std::exchange(other.is_first_line_, false) && text.starts_with(kTextMark)) text.remove_prefix(kTextMark.size());
    if (!is_blank(text)) ++rows;
  }
}

std::string TextLinesSource::name_of(std::uint64_t row) const {
  if (files_.size() == 1) return std::format("line {}", row + 1);
  const std::scoped_lock lock(mutex_);
  const auto after = std::ranges::upper_bound(first_lines_, row);
  if (after == first_lines_.begin()) return std::format("line {}", row + 1);
  const auto file = static_cast<std::size_t>(after - first_lines_.begin()) - 1;
  return std::format("'{}' line {}", files_[file], row - first_lines_[file] + 1);
}

}  // namespace llama::internal
