#include "read/duckdb_error.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <string>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::array<std::pair<std::string_view, ErrorCode>, 22> kDuckdbErrors = {{
    {"Invalid Input Error", ErrorCode::InvalidText},
    {"Conversion Error", ErrorCode::InvalidText},
    {"Out of Range Error", ErrorCode::InvalidText},
    {"Serialization Error", ErrorCode::InvalidText},
    {"Data Corruption Error", ErrorCode::InvalidText},
    {"Parser Error", ErrorCode::InvalidArgument},
    {"Syntax Error", ErrorCode::InvalidArgument},
    {"Binder Error", ErrorCode::InvalidArgument},
    {"Catalog Error", ErrorCode::InvalidArgument},
    {"Invalid Error", ErrorCode::InvalidArgument},
    {"Not implemented Error", ErrorCode::InvalidArgument},
    {"Permission Error", ErrorCode::InvalidArgument},
    {"Missing Extension Error", ErrorCode::InvalidArgument},
    {"Extension Autoloading Error", ErrorCode::InvalidArgument},
    {"Settings Error", ErrorCode::InvalidArgument},
    {"IO Error", ErrorCode::Io},
    {"HTTP Error", ErrorCode::Network},
    {"Network Error", ErrorCode::Network},
    {"Connection Error", ErrorCode::Network},
    {"INTERRUPT Error", ErrorCode::Cancelled},
    {"Out of Memory Error", ErrorCode::OutOfMemory},
    {"Memory Error", ErrorCode::OutOfMemory},
}};

std::string_view line_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + label.size());
  return text.substr(0, text.find('\n'));
}

std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!is_space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

// What follows is for users of DuckDB's own console.
std::string_view without_advice(std::string_view text) {
  for (const std::string_view end : {"\n\nLINE ", "\nLINE ", "\nPossible", "\nTry ", "\nhint", "\n  file =", " Try "})
    text = text.substr(0, text.find(end));
  return text;
}

// "CSV Error on Line: 102\nOriginal Line: 5,ok\nExpected Number of Columns: 3 Found: 2\nPossible fixes: …".
std::optional<std::string> csv_fault(std::string_view text) {
  const std::string_view line = line_after(text, "CSV Error on Line: ");
  if (line.empty()) return std::nullopt;
  std::string where = std::format("line {}", line);
  if (const std::string_view file = line_after(text, "\n  file = "); !file.empty())
    where = std::format("file '{}', {}", file, where);
  if (const std::string_view counts = line_after(text, "\nExpected Number of Columns: "); !counts.empty()) {
    const std::size_t found = counts.find(" Found: ");
    if (found != std::string_view::npos)
      return std::format("{}: {} columns where the header has {}", where, counts.substr(found + 8),
                         counts.substr(0, found));
  }
  if (text.contains("unterminated quote")) return std::format("{}: a quote opens and never closes", where);
  if (text.contains("Invalid unicode"))
    return std::format("{}: it is not UTF-8; convert it first (iconv -t UTF-8)", where);
  // The reason is the line after the original one.
  std::string_view rest = text.substr(text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1);
  if (rest.starts_with("Original Line: ")) rest.remove_prefix(std::min(rest.size(), rest.find('\n')));
  return std::format("{}: {}", where, on_one_line(without_advice(rest)));
}

// "Malformed JSON in file "b.jsonl", at byte 7 in line 3: unexpected character".
std::optional<std::string> json_fault(std::string_view text) {
  if (!text.starts_with("Malformed JSON") && !text.starts_with("JSON transform error")) return std::nullopt;
  const std::size_t open = text.find('"'), close = text.find("\", ");
  const std::size_t at = text.find(" line "), end = text.find(':', at == std::string_view::npos ? 0 : at);
  if (open == std::string_view::npos || close == std::string_view::npos || end == std::string_view::npos)
    return std::nullopt;
  const std::string_view file = text.substr(open + 1, close - open - 1);
  const std::string reason = on_one_line(without_advice(text.substr(end + 1)));
  if (at == std::string_view::npos) return std::format("file '{}': broken JSON: {}", file, reason);
  const std::string_view line = text.substr(at + 6, end - at - 6);
  return std::format("file '{}', line {}: {}{}", file, line, text.starts_with("Malformed") ? "broken JSON: " : "",
                     reason);
}

}  // namespace

Error error_of_duckdb(std::string_view message) {
  ErrorCode code = ErrorCode::Internal;
  for (const auto& [prefix, known] : kDuckdbErrors) {
    if (!message.starts_with(prefix)) continue;
    code = known;
    message.remove_prefix(std::min(message.size(), prefix.size() + 2));
    break;
  }
  if (code == ErrorCode::Cancelled) return {code, "reading was stopped"};
  if (auto csv = csv_fault(message)) return {ErrorCode::InvalidText, std::move(*csv)};
  if (auto json = json_fault(message)) return {ErrorCode::InvalidText, std::move(*json)};
  if (message.starts_with("No files found that match the pattern") || message.contains("HTTP 404"))
    code = ErrorCode::NotFound;
  if (message.contains("HTTP 401") || message.contains("HTTP 403")) code = ErrorCode::AccessDenied;
  const bool is_connection = message.contains("Unable to connect") || message.contains("onnection refused") ||
                             message.contains("server closed the connection") || message.contains("ost connection") ||
                             message.contains("Could not resolve host") || message.contains("Could not connect");
  if (code == ErrorCode::Io && is_connection) code = ErrorCode::Network;
  // It writes nothing else than what does not fit into memory.
  if (code == ErrorCode::Io && message.contains("No space left on device"))
    return {ErrorCode::NoSpace, on_one_line(without_advice(message)) + "; TMPDIR names the folder of such files"};
  return {code, on_one_line(without_advice(message))};
}

}  // namespace llama::internal
