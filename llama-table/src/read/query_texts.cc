#include "read/query_texts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "read/sql_text.h"

namespace llama::internal {
namespace {

// What stands between one pair of brackets, or outside of all.
struct Bracket {
  bool reads_files = false;        // of a function that does, and all within
  bool has_other_from = false;     // extract(year FROM x)
  bool separates_sources = false;  // by commas: after FROM, until another clause begins
};

constexpr std::array<std::string_view, 8> kBeforeSource = {"FROM",  "JOIN",    "ATTACH",   "TABLE",
                                                           "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE"};
// Between one of those and the source. E is of E'…'.
constexpr std::array<std::string_view, 8> kBetween = {"LATERAL",  "E",  "OR",  "REPLACE",
                                                      "DATABASE", "IF", "NOT", "EXISTS"};
constexpr std::array<std::string_view, 14> kClauses = {"SELECT", "VALUES",    "WHERE",  "GROUP", "HAVING",
                                                       "WINDOW", "QUALIFY",   "ORDER",  "LIMIT", "OFFSET",
                                                       "UNION",  "INTERSECT", "EXCEPT", "SAMPLE"};
constexpr std::array<std::string_view, 4> kOtherFrom = {"EXTRACT", "TRIM", "SUBSTRING", "OVERLAY"};

bool reads_files(std::string_view function) {
  return function.starts_with("READ_") || function.ends_with("_SCAN") || function.ends_with("_READ") ||
         function.starts_with("PARQUET_") || function == "SNIFF_CSV";
}

std::string without_quotes(std::string_view quoted) {
  const std::size_t quote = quoted.starts_with('$') ? quoted.find('$', 1) + 1 : 1;
  return quoted.size() < 2 * quote ? std::string() : std::string(quoted.substr(quote, quoted.size() - 2 * quote));
}

Bracket bracket_after(const std::optional<std::string>& name, const Bracket& around, bool is_source) {
  return {.reads_files = around.reads_files || (name && reads_files(*name)),
          .has_other_from = name && std::ranges::contains(kOtherFrom, *name),
          .separates_sources = is_source};
}

}  // namespace

std::vector<QuotedText> texts_of_query(std::string_view sql) {
  std::vector<QuotedText> found;
  std::vector<Bracket> brackets(1);
  const SqlTokens tokens = sql_tokens(sql);
  bool is_source = false;  // what comes next
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string& text = tokens[i].text;
    Bracket& bracket = brackets.back();
    if (tokens[i].kind == SqlToken::Kind::Quoted) {
      // A doubled quote ended one token and began the next.
      const bool goes_on =
          i > 0 && tokens[i - 1].kind == SqlToken::Kind::Quoted && tokens[i - 1].end == tokens[i].begin;
      if (goes_on) {
        found.back().text += text.front() + without_quotes(text);
      } else {
        found.push_back({without_quotes(text), is_source || bracket.reads_files});
      }
      is_source = false;
    } else if (tokens[i].kind == SqlToken::Kind::Word) {
      const bool is_between = is_source && std::ranges::contains(kBetween, text);
      const bool compares = text == "FROM" && (bracket.has_other_from || is_word(tokens, i - 1, "DISTINCT"));
      is_source = is_between || (std::ranges::contains(kBeforeSource, text) && !compares);
      if (text == "FROM" && is_source) bracket.separates_sources = true;
      if (std::ranges::contains(kClauses, text)) bracket.separates_sources = false;
    } else if (text == "(" || text == "[" || text == "{") {
      brackets.push_back(bracket_after(i > 0 ? name_at(tokens, i - 1) : std::nullopt, bracket, is_source));
    } else {
      if (text == ")" || text == "]" || text == "}") brackets.pop_back();
      if (brackets.empty() || text == ";") brackets.assign(1, {});
      is_source = text == "," && brackets.back().separates_sources;
    }
  }
  return found;
}

}  // namespace llama::internal
