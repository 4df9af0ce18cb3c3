// What the targets about grammars hold what they get to.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <print>
#include <set>
#include <source_location>
#include <string>
#include <string_view>

namespace llama::fuzz {

inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "{}: line {} does not hold", where.file_name(), where.line());
  std::abort();
}

inline bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20; });
}

// Every rule that is named outside of quotes and brackets has a line of its own.
inline bool has_its_rules(std::string_view grammar) {
  std::set<std::string> defined, named;
  std::string word;
  char closing = 0;
  for (std::size_t i = 0; i < grammar.size(); ++i) {
    const char c = grammar[i];
    if (closing != 0) {
      if (c == '\\') ++i;
      if (c == closing) closing = 0;
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-') {
      word += c;
      continue;
    } else {
      if (c == '"' || c == '[' || c == '{') closing = c == '[' ? ']' : c == '{' ? '}' : c;
      if (!word.empty()) (grammar.substr(i).starts_with(" ::=") ? defined : named).insert(word);
      word.clear();
    }
  }
  return std::ranges::includes(defined, named);
}

}  // namespace llama::fuzz
