#include "read/sql_text.h"

#include <algorithm>
#include <cctype>
#include <set>
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

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

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
  if (!sql.substr(at).starts_with("/*")) return at;
  // Comments nest.
  std::size_t depth = 0;
  while (at < sql.size()) {
    const std::string_view two = sql.substr(at, 2);
    if (two != "/*" && two != "*/") {
      ++at;
      continue;
    }
    at += 2;
    depth = two == "/*" ? depth + 1 : depth - 1;
    if (depth == 0) break;
  }
  return at;
}

}  // namespace

SqlTokens sql_tokens(std::string_view sql) {
  SqlTokens tokens;
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t end = after_space(sql, at); end != at) {
      at = end;
    } else if (const std::size_t quoted = after_quoted(sql, at); quoted != at) {
      tokens.push_back({SqlToken::Kind::Quoted, std::string(sql.substr(at, quoted - at)), at, quoted});
      at = quoted;
    } else if (is_word_character(sql[at])) {
      std::size_t end_of_word = at;
      std::string word;
      while (end_of_word < sql.size() && (is_word_character(sql[end_of_word]) || sql[end_of_word] == '$'))
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

bool is_word(const SqlTokens& tokens, std::size_t i, std::string_view word) {
  return i < tokens.size() && tokens[i].kind == SqlToken::Kind::Word && tokens[i].text == word;
}

bool is_sign(const SqlTokens& tokens, std::size_t i, std::string_view sign) {
  return i < tokens.size() && tokens[i].kind == SqlToken::Kind::Sign && tokens[i].text == sign;
}

bool has_word(const SqlTokens& tokens, std::string_view word) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (is_word(tokens, i, word)) return true;
  return false;
}

std::optional<std::string> name_at(const SqlTokens& tokens, std::size_t i) {
  if (i >= tokens.size() || tokens[i].kind == SqlToken::Kind::Sign) return std::nullopt;
  const std::string& text = tokens[i].text;
  if (tokens[i].kind == SqlToken::Kind::Word) return text;
  if (text.size() < 2 || (text[0] != '"' && text[0] != '\'')) return std::nullopt;
  return upper(std::string_view(text).substr(1, text.size() - 2));
}

// A doubled quote ends one token and begins the next.
std::optional<PlainText> plain_text_at(const SqlTokens& tokens, std::size_t i) {
  PlainText found;
  const std::size_t first = i;
  for (; i < tokens.size() && tokens[i].kind == SqlToken::Kind::Quoted && tokens[i].text.starts_with('\''); ++i) {
    if (i > first && tokens[i].begin != tokens[i - 1].end) return std::nullopt;
    if (i > first) found.text += '\'';
    found.text += tokens[i].text.substr(1, tokens[i].text.size() - 2);
  }
  if (i == first || (first > 0 && is_word(tokens, first - 1, "E"))) return std::nullopt;
  found.after = i;
  return found;
}

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

std::string sql_files(const std::vector<std::string>& paths) {
  std::vector<std::string> plain;
  for (const std::string& path : paths) {
    std::string& name = plain.emplace_back();
    for (const char c : path) {
      const bool is_special = c == '[' || c == '?' || c == '*';
      name += is_special ? std::string{'[', c, ']'} : std::string(1, c);
    }
  }
  return sql_strings(plain);
}

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return small;
}

bool has_twins(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  return std::ranges::any_of(names,
                             [&](const std::string& name) { return !seen.insert(in_small_letters(name)).second; });
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

}  // namespace llama::internal
