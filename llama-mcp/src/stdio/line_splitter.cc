#include "stdio/line_splitter.h"

#include <algorithm>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kKeptEnd = 1'024;

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string digits_at(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  const auto end = std::min(text.size(), text.find_first_not_of("0123456789", at));
  return std::string(text.substr(at, end - at));
}

// The first member after "jsonrpc" or before it: {"jsonrpc":"2.0","id":7, or {"id":7,
std::optional<std::string> id_in_head(std::string_view head) {
  std::string compact;
  for (const char c : head.substr(0, 64)) {
    if (c != ' ' && c != '\t') compact += c;
  }
  std::string_view rest = compact;
  constexpr std::string_view kVersion = R"("jsonrpc":"2.0",)";
  for (const std::string_view known : {std::string_view("{"), kVersion, std::string_view("\"id\":")}) {
    if (rest.starts_with(known))
      rest.remove_prefix(known.size());
    else if (known != kVersion)
      return {};
  }
  std::string digits = digits_at(rest, 0);
  return digits.empty() ? std::nullopt : std::optional(std::move(digits));
}

// ,"id":7} or ,"id":7,"jsonrpc":"2.0"} at the very end.
std::optional<std::string> id_in_tail(std::string_view tail) {
  tail = without_blanks(tail);
  if (!tail.ends_with('}')) return {};
  const auto at = tail.rfind("\"id\":");
  if (at == std::string_view::npos) return {};
  std::string digits = digits_at(tail, at + 5);
  if (digits.empty()) return {};
  const auto after = without_blanks(tail.substr(tail.find(digits, at + 5) + digits.size()));
  if (after != "}" && after != R"(,"jsonrpc":"2.0"})") return {};
  return digits;
}

}  // namespace

std::optional<std::string> id_of_skipped(std::string_view head, std::string_view tail) {
  if (auto id = id_in_head(head)) return id;
  return id_in_tail(tail);
}

void LineSplitter::push(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::add(std::string_view part) {
  if (!is_too_long_ && part.size() <= max_line_bytes_ - line_.size()) {
    line_ += part;
    return;
  }
  if (!is_too_long_) {
    is_too_long_ = true;
    if (line_.size() < kKeptEnd) {
      const auto head = part.substr(0, kKeptEnd - line_.size());
      line_ += head;
    }
    tail_ = line_.size() > kKeptEnd ? line_.substr(line_.size() - kKeptEnd) : line_;
    line_.resize(std::min(line_.size(), kKeptEnd));
    line_.shrink_to_fit();
  }
  tail_ += part.size() > kKeptEnd ? part.substr(part.size() - kKeptEnd) : part;
  if (tail_.size() > kKeptEnd) tail_.erase(0, tail_.size() - kKeptEnd);
}

void LineSplitter::end_line() {
  if (is_too_long_) {
    receiver_.too_long(line_, tail_);
  } else {
    std::string_view line = line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    receiver_.line(line);
  }
  is_too_long_ = false;
  tail_.clear();
  // One long answer should not keep its memory.
  if (line_.capacity() > 1U << 20)
    line_ = std::string();
  else
    line_.clear();
}

}  // namespace llama::internal
