#include "hub/glob.h"

#include <algorithm>
#include <format>
#include <optional>
#include <tuple>
#include <vector>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = path.find('/');
    parts.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return parts;
    path.remove_prefix(end + 1);
  }
}

// A set at pattern[at] == '[': whether it has the character, and where the pattern goes on.
struct SetMatch {
  bool has = false;
  std::size_t end = 0;
};

std::optional<SetMatch> match_set(std::string_view pattern, std::size_t at, char32_t character) {
  std::size_t i = at + 1;
  const bool is_negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (is_negated) ++i;
  bool has = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return SetMatch{.has = has != is_negated, .end = i + 1};
    const Decoded low = decode(pattern, i);
    i += low.length;
    char32_t high = low.character;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      const Decoded last = decode(pattern, i + 1);
      high = last.character;
      i += 1 + last.length;
    }
    has = has || (low.character <= character && character <= high);
  }
  return std::nullopt;  // never closed
}

// One step of a pattern that is no `*`: where it goes on if it takes the character.
std::optional<std::size_t> step(std::string_view pattern, std::size_t at, const Decoded& character,
                                std::string_view bytes) {
  if (pattern[at] == '?') return at + 1;
  if (pattern[at] == '[') {
    if (const auto set = match_set(pattern, at, character.character))
      return set->has ? std::optional(set->end) : std::nullopt;
  }
  return pattern.substr(at).starts_with(bytes) ? std::optional(at + bytes.size()) : std::nullopt;
}

// Only the last `*` is ever tried again, so the cost is the product of the lengths at most.
bool part_matches(std::string_view pattern, std::string_view part) {
  if (part.starts_with('.') && !pattern.starts_with('.')) return false;
  std::size_t p = 0, t = 0;
  std::optional<std::pair<std::size_t, std::size_t>> star;  // after it in the pattern, and what it takes up to
  while (t < part.size()) {
    const Decoded character = decode(part, t);
    if (p < pattern.size() && pattern[p] == '*') {
      star = {++p, t};
      continue;
    }
    if (p < pattern.size()) {
      if (const auto next = step(pattern, p, character, part.substr(t, character.length))) {
        p = *next;
        t += character.length;
        continue;
      }
    }
    if (!star) return false;
    star->second += decode(part, star->second).length;
    std::tie(p, t) = *star;
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// A run of digits without its zeros in front: longer is more, and of the same length the bytes decide.
std::string_view take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of a part comes before anything that a longer part goes on with.
int rank(char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; }

}  // namespace

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

Result<void> check_glob(std::string_view pattern) {
  for (const std::string_view part : parts_of(pattern)) {
    if (part != "**" && part.contains("**")) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}': '**' stands for whole folders, as in 'data/**/*.parquet'", pattern));
    }
  }
  return {};
}

// matches[t]: the pattern's parts so far match the name's first t parts. A `**` at the end stands for one part at
// least: "a/**" is what lies in the folder a.
bool glob_matches(std::string_view pattern, std::string_view path) {
  const auto names = parts_of(path), wanted = parts_of(pattern);
  std::vector<bool> matches(names.size() + 1, false);
  matches[0] = true;
  for (std::size_t p = 0; p < wanted.size(); ++p) {
    const bool is_any = wanted[p] == "**", may_be_none = is_any && p + 1 < wanted.size();
    std::vector<bool> next(names.size() + 1, false);
    next[0] = may_be_none && matches[0];
    for (std::size_t t = 0; t < names.size(); ++t) {
      next[t + 1] = is_any ? (may_be_none && matches[t + 1]) || ((next[t] || matches[t]) && !names[t].starts_with('.'))
                           : matches[t] && part_matches(wanted[p], names[t]);
    }
    matches = std::move(next);
  }
  return matches.back();
}

std::string_view fixed_folder(std::string_view pattern) {
  const std::size_t wildcard = pattern.find_first_of("*?[");
  const std::size_t slash = pattern.substr(0, wildcard).rfind('/');
  return slash == std::string_view::npos ? std::string_view() : pattern.substr(0, slash);
}

bool natural_less(std::string_view a, std::string_view b) {
  std::string_view x = a, y = b;
  while (!x.empty() && !y.empty()) {
    if (is_digit(x.front()) && is_digit(y.front())) {
      const std::string_view m = take_number(x), n = take_number(y);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      continue;
    }
    if (x.front() != y.front()) return rank(x.front()) < rank(y.front());
    x.remove_prefix(1);
    y.remove_prefix(1);
  }
  if (x.empty() != y.empty()) return x.empty();
  return a < b;
}

std::size_t glob_distance(std::string_view pattern, std::string_view path) {
  // row[t]: of the pattern so far against the name's first t bytes.
  std::vector<std::size_t> row(path.size() + 1);
  for (std::size_t t = 0; t <= path.size(); ++t) row[t] = t;
  for (const char c : pattern) {
    std::vector<std::size_t> next(path.size() + 1);
    next[0] = row[0] + (c == '*' ? 0 : 1);
    for (std::size_t t = 1; t <= path.size(); ++t) {
      if (c == '*') {
        next[t] = std::min(row[t], next[t - 1]);
      } else {
        const std::size_t change = c == '?' || c == path[t - 1] ? 0 : 1;
        next[t] = std::min({row[t - 1] + change, row[t] + 1, next[t - 1] + 1});
      }
    }
    row = std::move(next);
  }
  return row.back();
}

}  // namespace llama::internal
