#include "http/event_stream.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxEventId = std::size_t{8} << 10;
constexpr std::chrono::milliseconds kMaxRetry = std::chrono::hours(24);
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Of a line that is too long its name is kept, to know whether the event lacks it.
constexpr std::size_t kKeptOfLongLine = 16;

std::optional<std::chrono::milliseconds> retry_of(std::string_view digits) {
  if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) return kMaxRetry;
  return std::min(std::chrono::milliseconds(value), kMaxRetry);
}

}  // namespace

// A CR ends a line at once, as its LF may never come; an LF that follows it, perhaps in the next piece, is then
// skipped. The rest is a search for the next end of a line. Cost: one pass.
bool EventStream::push(std::string_view bytes) {
  while (!bytes.empty() && !is_over_) {
    if (is_after_cr_) {
      is_after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    take_piece(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    is_after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    is_over_ = !end_line();
  }
  return !is_over_;
}

void EventStream::take_piece(std::string_view piece) {
  if (is_line_too_long_) return;
  if (line_.size() + piece.size() <= max_bytes_ + kKeptOfLongLine) {
    line_ += piece;
    return;
  }
  line_ += piece.substr(0, kKeptOfLongLine);
  line_.resize(std::min(line_.size(), kKeptOfLongLine));
  is_line_too_long_ = true;
}

bool EventStream::end_line() {
  if (is_first_line_ && line_.starts_with(kByteOrderMark)) line_.erase(0, kByteOrderMark.size());
  is_first_line_ = false;
  bool is_wanted = true;
  if (line_.empty()) {
    is_wanted = dispatch();
  } else {
    take_line();
  }
  line_.clear();
  is_line_too_long_ = false;
  return is_wanted;
}

void EventStream::take_line() {
  const std::string_view line = line_;
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    has_data_ = true;
    if (is_line_too_long_ || data_.size() + value.size() > max_bytes_) is_event_too_long_ = true;
    if (is_event_too_long_) return data_.clear();
    data_ += value;
    data_ += '\n';
  } else if (is_line_too_long_) {
    return;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (!value.contains('\0') && value.size() <= kMaxEventId) id_ = value;
  } else if (name == "retry") {
    if (const auto retry = retry_of(value)) retry_ = retry;
  }
}

bool EventStream::dispatch() {
  last_id_ = id_;
  bool is_wanted = true;
  if (has_data_) {
    if (!data_.empty()) data_.pop_back();
    is_wanted = sink_({.type = type_.empty() ? "message" : type_, .data = data_, .is_too_long = is_event_too_long_});
  }
  type_.clear();
  data_.clear();
  has_data_ = is_event_too_long_ = false;
  return is_wanted;
}

}  // namespace llama::internal
