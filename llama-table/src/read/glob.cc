#include <algorithm>
#include <cstddef>
#include <string_view>

#include "read/input_files.h"

namespace llama::internal {
namespace {

// "[a-c]", "[!x]": does it take c? `pattern` begins after the bracket; on return after the closing one.
bool takes_class(std::string_view& pattern, char c) {
  const bool is_negated = !pattern.empty() && (pattern.front() == '!' || pattern.front() == '^');
  if (is_negated) pattern.remove_prefix(1);
  bool found = false;
  for (bool is_first = true; !pattern.empty() && (is_first || pattern.front() != ']'); is_first = false) {
    const char from = pattern.front();
    pattern.remove_prefix(1);
    char to = from;
    if (pattern.size() >= 2 && pattern[0] == '-' && pattern[1] != ']') {
      to = pattern[1];
      pattern.remove_prefix(2);
    }
    found = found || (c >= from && c <= to);
  }
  if (!pattern.empty()) pattern.remove_prefix(1);
  return found != is_negated;
}

bool matches_name(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (std::size_t taken = 0; taken <= name.size(); ++taken)
      if (matches_name(name.substr(taken), pattern.substr(1))) return true;
    return false;
  }
  if (name.empty()) return false;
  if (pattern.front() == '[' && pattern.find(']', 2) != std::string_view::npos) {
    std::string_view rest = pattern.substr(1);
    return takes_class(rest, name.front()) && matches_name(name.substr(1), rest);
  }
  return (pattern.front() == '?' || pattern.front() == name.front()) && matches_name(name.substr(1), pattern.substr(1));
}

std::string_view take_part(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(std::min(path.size(), end + 1));
  return part;
}

}  // namespace

bool matches_glob(std::string_view path, std::string_view pattern) {
  while (!pattern.empty()) {
    std::string_view rest = pattern;
    const std::string_view part = take_part(rest);
    if (part == "**") {
      for (std::string_view tail = path;; take_part(tail)) {
        if (matches_glob(tail, rest)) return true;
        if (tail.empty()) return false;
      }
    }
    if (path.empty()) return false;
    const std::string_view name = take_part(path);
    if (name.starts_with('.') && !part.starts_with('.')) return false;
    if (!matches_name(name, part)) return false;
    pattern = rest;
  }
  return path.empty();
}

}  // namespace llama::internal
