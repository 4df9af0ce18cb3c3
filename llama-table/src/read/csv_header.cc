#include "read/csv_header.h"

#include <algorithm>
#include <array>
#include <format>
#include <map>
#include <utility>

#include "llama-base/text_kind.h"
#include "llama-base/utf8.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::array kSeparators = {',', '\t', ';', '|'};

// The end of the first line, quotes respected; npos where there is none.
std::size_t end_of_record(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    if (!is_quoted && (text[i] == '\n' || text[i] == '\r')) return i;
  }
  return std::string_view::npos;
}

std::size_t count_unquoted(std::string_view record, char wanted) {
  std::size_t count = 0;
  bool is_quoted = false;
  for (const char c : record) {
    if (c == '"') is_quoted = !is_quoted;
    if (!is_quoted && c == wanted) ++count;
  }
  return count;
}

std::vector<std::string> csv_fields(std::string_view record, char separator) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (record[i] == '"') {
      if (is_quoted && i + 1 < record.size() && record[i + 1] == '"') {
        fields.back() += '"';
        ++i;
      } else {
        is_quoted = !is_quoted;
      }
    } else if (!is_quoted && record[i] == separator) {
      fields.emplace_back();
    } else {
      fields.back() += record[i];
    }
  }
  return fields;
}

// A backslash before a quote that ends no field, and no doubled quote within one.
bool has_backslashes(std::string_view text, char separator) {
  bool found = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    const char before = text[i - 1], after = text[i + 1];
    const bool ends = after == separator || after == '\n' || after == '\r';
    if (text[i] != '"') continue;
    if (after == '"' && before != separator && before != '\n' && before != '\\') return false;
    if (before == '\\' && !ends) found = true;
  }
  return found;
}

}  // namespace

bool has_csv_header(std::string_view first_bytes) { return end_of_record(first_bytes) != std::string_view::npos; }

Result<CsvHeader> read_csv_header(std::string_view first_bytes, std::optional<char> separator, std::string_view name) {
  CsvHeader header;
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::InvalidText, std::format("{} is no CSV with a header line: {}", name, why));
  };
  if (const auto kind = why_no_table(first_bytes)) return bad(*kind);
  if (first_bytes.starts_with(kUtf8Mark)) first_bytes.remove_prefix(kUtf8Mark.size());
  const std::size_t end = end_of_record(first_bytes);
  const std::string_view record = first_bytes.substr(0, end);
  if (std::ranges::count(record, '"') % 2 != 0) return bad("a quote in its first line opens and never closes");
  if (record.empty()) return bad("its first line is empty");
  if (!is_utf8(record)) return bad("it is not UTF-8; convert it first (iconv -t UTF-8)");
  if (record.contains('\0')) return bad("its first line has NUL bytes");
  header.separator =
      separator.value_or(*std::ranges::max_element(kSeparators, {}, [&](char c) { return count_unquoted(record, c); }));
  if (has_backslashes(first_bytes, header.separator)) header.escape = '\\';
  header.has_line_break = record.find_first_of("\r\n") != std::string_view::npos;

  std::map<std::string, std::string> taken;  // in small letters: DuckDB has one name for "id" and "Id"
  for (std::string& field : csv_fields(record, header.separator)) {
    const std::size_t number = header.names.size();
    const bool is_unnamed = field.empty();
    if (is_unnamed) field = std::format("column{}", number);
    std::string unique = field;
    for (int n = 1; taken.contains(in_small_letters(unique)); ++n) unique = std::format("{}_{}", field, n);
    if (is_unnamed) {
      header.notes.push_back(std::format("column {} of {} has no name and is called '{}'", number + 1, name, unique));
    } else if (unique != field) {
      header.notes.push_back(std::format("{} has another column '{}'; column {} is called '{}'", name,
                                         taken.at(in_small_letters(field)), number + 1, unique));
    }
    taken.emplace(in_small_letters(unique), unique);
    header.names.push_back(std::move(unique));
  }
  return header;
}

}  // namespace llama::internal
