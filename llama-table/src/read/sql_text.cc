#include "read/sql_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out += c;
    if (c == quote) out += c;
  }
  out += quote;
  return out;
}

struct SqlToken {
  enum class Kind { Word, Quoted, Sign } kind;
  std::string text;  // of a word: in upper case
  std::size_t begin = 0, end = 0;
};

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

// Where what begins at `at` ends, if it is white space, a comment or something quoted; else `at`.
std::size_t after_quoted(std::string_view sql, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  const char quote = sql[at];
  if (quote == '\'' || quote == '"') {
    // A doubled quote ends one piece and begins the next, which is the same to us. E'…' has backslashes besides.
    const bool has_escapes = quote == '\'' && at > 0 && (sql[at - 1] == 'E' || sql[at - 1] == 'e') &&
                             (at < 2 || !is_word_character(sql[at - 2]));
    for (std::size_t i = at + 1; i < sql.size(); ++i) {
      if (has_escapes && sql[i] == '\\') {
        ++i;
      } else if (sql[i] == quote) {
        return i + 1;
      }
    }
    return sql.size();
  }
  if (quote == '$') {
    std::size_t end = at + 1;
    while (end < sql.size() && is_word_character(sql[end])) ++end;
    const bool is_tag = end < sql.size() && sql[end] == '$' &&
                        (end == at + 1 || std::isdigit(static_cast<unsigned char>(sql[at + 1])) == 0);
    if (is_tag) return after(sql.substr(at, end + 1 - at), end + 1);
  }
  return at;
}

std::size_t after_space(std::string_view sql, std::size_t at) {
  if (std::isspace(static_cast<unsigned char>(sql[at])) != 0) return at + 1;
  if (sql.substr(at).starts_with("--")) return std::min(sql.size(), sql.find('\n', at));
  if (sql.substr(at).starts_with("/*")) {
    const std::size_t found = sql.find("*/", at + 2);
    return found == std::string_view::npos ? sql.size() : found + 2;
  }
  return at;
}

std::vector<SqlToken> sql_tokens(std::string_view sql) {
  std::vector<SqlToken> tokens;
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t end = after_space(sql, at); end != at) {
      at = end;
    } else if (const std::size_t quoted = after_quoted(sql, at); quoted != at) {
      tokens.push_back({SqlToken::Kind::Quoted, std::string(sql.substr(at, quoted - at)), at, quoted});
      at = quoted;
    } else if (is_word_character(sql[at])) {
      std::size_t end_of_word = at;
      std::string word;
      while (end_of_word < sql.size() && is_word_character(sql[end_of_word]))
        word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql[end_of_word++])));
      tokens.push_back({SqlToken::Kind::Word, std::move(word), at, end_of_word});
      at = end_of_word;
    } else {
      tokens.push_back({SqlToken::Kind::Sign, std::string(1, sql[at]), at, at + 1});
      ++at;
    }
  }
  return tokens;
}

bool is_word(const std::vector<SqlToken>& tokens, std::size_t i, std::string_view word) {
  return i < tokens.size() && tokens[i].kind == SqlToken::Kind::Word && tokens[i].text == word;
}

bool has_word(const std::vector<SqlToken>& tokens, std::string_view word) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (is_word(tokens, i, word)) return true;
  return false;
}

template <std::size_t N>
bool is_one_of(const std::string& text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array<std::string_view, 9> kReading = {"SELECT", "FROM", "WITH",    "VALUES",  "TABLE",
                                                      "PIVOT",  "SHOW", "UNPIVOT", "DESCRIBE"};
constexpr std::array<std::string_view, 17> kWriting = {"INSERT", "UPDATE", "DELETE",   "MERGE",   "COPY",    "CREATE",
                                                       "DROP",   "ALTER",  "EXPORT",   "IMPORT",  "INSTALL", "DETACH",
                                                       "VACUUM", "CALL",   "TRUNCATE", "REPLACE", "ATTACH"};

// Functions of the databases' extensions that hand any statement through.
constexpr std::array<std::string_view, 4> kHandThrough = {"POSTGRES_EXECUTE", "MYSQL_EXECUTE", "SQLITE_EXECUTE",
                                                          "SQLITE_ATTACH"};

std::unexpected<Error> writes(std::string_view word) {
  return fail(ErrorCode::InvalidArgument,
              std::format("the query may only read: '{}' is not allowed; give one SELECT", word));
}

Result<void> check_select(const std::vector<SqlToken>& tokens) {
  std::size_t first = 0;
  while (first < tokens.size() && tokens[first].text == "(") ++first;
  if (first == tokens.size() || tokens[first].kind != SqlToken::Kind::Word || !is_one_of(tokens[first].text, kReading))
    return writes(first == tokens.size() ? "" : tokens[first].text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != SqlToken::Kind::Word) continue;
    const bool opens = i > 0 && tokens[i - 1].text == "(";
    const bool is_call = i + 1 < tokens.size() && tokens[i + 1].text == "(";
    if (opens && !is_call && is_one_of(tokens[i].text, kWriting)) return writes(tokens[i].text);
    if (is_one_of(tokens[i].text, kHandThrough)) return writes(tokens[i].text);
  }
  // WITH x AS (…) INSERT …: the statement after the last closing bracket of the WITH.
  if (is_word(tokens, first, "WITH")) {
    for (std::size_t i = first + 1, depth = 0; i < tokens.size(); ++i) {
      if (tokens[i].text == "(") ++depth;
      if (tokens[i].text == ")" && depth > 0) --depth;
      if (depth == 0 && tokens[i - 1].text == ")" && tokens[i].kind == SqlToken::Kind::Word &&
          is_one_of(tokens[i].text, kWriting))
        return writes(tokens[i].text);
    }
  }
  return {};
}

Result<void> check_preparation(const std::vector<SqlToken>& tokens) {
  const std::string word = tokens.empty() ? "" : tokens[0].text;
  if (word == "ATTACH") {
    if (has_word(tokens, "READ_ONLY")) return {};
    return fail(ErrorCode::InvalidArgument, "the query may only read: write ATTACH 'NAME' AS x (TYPE …, READ_ONLY)");
  }
  if (word == "LOAD" || word == "USE" || word == "SET") return {};
  if (word == "CREATE" && has_word(tokens, "SECRET") && !has_word(tokens, "PERSISTENT") && !has_word(tokens, "SELECT"))
    return {};
  return writes(word);
}

}  // namespace

std::string sql_name(std::string_view name) { return doubled(name, '"'); }
std::string sql_string(std::string_view text) { return doubled(text, '\''); }

std::string sql_strings(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    out += sql_string(text);
  }
  return out + "]";
}

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::size_t begin = 0, end = 0;
  bool is_empty = true;
  const auto finish = [&] {
    if (!is_empty) statements.emplace_back(sql.substr(begin, end - begin));
    is_empty = true;
  };
  for (const SqlToken& token : sql_tokens(sql)) {
    if (token.text == ";" && token.kind == SqlToken::Kind::Sign) {
      finish();
      continue;
    }
    if (is_empty) begin = token.begin;
    is_empty = false;
    end = token.end;
  }
  finish();
  return statements;
}

Result<void> check_only_reads(const std::vector<std::string>& statements) {
  if (statements.empty()) return fail(ErrorCode::InvalidArgument, "the query is empty; give a SELECT");
  for (std::size_t i = 0; i + 1 < statements.size(); ++i)
    if (auto checked = check_preparation(sql_tokens(statements[i])); !checked) return checked;
  return check_select(sql_tokens(statements.back()));
}

Result<void> check_condition(std::string_view where) {
  const std::vector<SqlToken> tokens = sql_tokens(where);
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size() && depth >= 0; ++i) {
    if (tokens[i].kind == SqlToken::Kind::Sign && tokens[i].text == "(") ++depth;
    if (tokens[i].kind == SqlToken::Kind::Sign && (tokens[i].text == ")" || tokens[i].text == ";"))
      depth = tokens[i].text == ")" ? depth - 1 : -1;
  }
  if (tokens.empty() || depth != 0)
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no condition of rows", where));
  return check_only_reads({std::format("SELECT 1 WHERE ({}\n)", where)});
}

}  // namespace llama::internal
