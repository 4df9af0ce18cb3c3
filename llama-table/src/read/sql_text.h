// Write names and values into SQL, and take a query apart into words and statements.
//
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

[[nodiscard]] std::string sql_name(std::string_view name);                     // "my ""column"""
[[nodiscard]] std::string sql_string(std::string_view text);                   // 'it''s'
[[nodiscard]] std::string sql_strings(const std::vector<std::string>& texts);  // ['a', 'b']
// Of files on this machine: DuckDB's file functions take names for patterns, so that '[', '?' and '*' are written as
// what stands for them alone.
[[nodiscard]] std::string sql_files(const std::vector<std::string>& paths);

// Names that differ only in capitals, of ASCII, are one name to DuckDB.
[[nodiscard]] std::string in_small_letters(std::string_view text);
[[nodiscard]] bool has_twins(const std::vector<std::string>& names);

// The statements of a query, without comments at their ends and semicolons: what was asked for comes last.
[[nodiscard]] std::vector<std::string> split_statements(std::string_view sql);

struct SqlToken {
  enum class Kind { Word, Quoted, Sign } kind;
  std::string text;  // of a word: in upper case
  std::size_t begin = 0, end = 0;
};

using SqlTokens = std::vector<SqlToken>;

// Without white space and comments.
[[nodiscard]] SqlTokens sql_tokens(std::string_view sql);

[[nodiscard]] bool is_word(const SqlTokens& tokens, std::size_t i, std::string_view word);  // word: in upper case
[[nodiscard]] bool is_sign(const SqlTokens& tokens, std::size_t i, std::string_view sign);
[[nodiscard]] bool has_word(const SqlTokens& tokens, std::string_view word);

// A word or a quoted name, in upper case; nothing for anything else.
[[nodiscard]] std::optional<std::string> name_at(const SqlTokens& tokens, std::size_t i);

// The text of 'it''s'; nothing for anything else, E'…' and $$…$$ among it.
struct PlainText {
  std::string text;
  std::size_t after = 0;  // the token that follows
};
[[nodiscard]] std::optional<PlainText> plain_text_at(const SqlTokens& tokens, std::size_t i);

}  // namespace llama::internal
