// Write names and values into SQL, and take a query apart into words and statements.
//
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

[[nodiscard]] std::string sql_name(std::string_view name);                     // "my ""column"""
[[nodiscard]] std::string sql_string(std::string_view text);                   // 'it''s'
[[nodiscard]] std::string sql_strings(const std::vector<std::string>& texts);  // ['a', 'b']

// The statements of a query, without comments at their ends and semicolons: what was asked for comes last.
[[nodiscard]] std::vector<std::string> split_statements(std::string_view sql);

struct SqlToken {
  enum class Kind { Word, Quoted, Sign } kind;
  std::string text;  // of a word: in upper case
  std::size_t begin = 0, end = 0;
};

// Without white space and comments.
[[nodiscard]] std::vector<SqlToken> sql_tokens(std::string_view sql);

}  // namespace llama::internal
