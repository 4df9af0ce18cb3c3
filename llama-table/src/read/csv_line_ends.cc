#include "read/csv_line_ends.h"

namespace llama::internal {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";

}  // namespace

void CsvLineEnds::step(char c) {
  switch (place_) {
    case Place::Quoted:
      if (c == escape_ && escape_ != '"') {
        place_ = Place::Escaped;
      } else if (c == '"') {
        place_ = Place::AfterQuote;
      }
      return;
    case Place::Escaped:
      place_ = Place::Quoted;
      return;
    case Place::AfterQuote:
      if (c == '"' && escape_ == '"') {
        place_ = Place::Quoted;
        return;
      }
      break;
    case Place::FieldStart:
      if (c == ' ') return;
      if (c == '"') {
        place_ = Place::Quoted;
        return;
      }
      break;
    case Place::Field:
      break;
  }
  if (c == separator_ || c == '\n') {
    place_ = Place::FieldStart;
  } else if (place_ == Place::FieldStart) {
    place_ = Place::Field;
  }
}

void CsvLineEnds::append(std::string_view bytes, std::string& out) {
  for (char c : bytes) {
    if (mark_bytes_ < kMark.size()) {
      if (c == kMark[mark_bytes_]) {
        ++mark_bytes_;
        continue;
      }
      out += kMark.substr(0, mark_bytes_);  // it was none
      if (mark_bytes_ > 0) place_ = Place::Field;
      mark_bytes_ = kMark.size();
    }
    const bool is_quoted = place_ == Place::Quoted || place_ == Place::Escaped;
    if (!is_quoted && c == '\n' && after_return_) {
      after_return_ = false;
      continue;
    }
    after_return_ = !is_quoted && c == '\r';
    if (after_return_) {
      has_returns_ = true;
      c = '\n';
    }
    step(c);
    out += c;
  }
}

}  // namespace llama::internal
