#include "read/duckdb_error.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "read/batch_view.h"
#include "read/secrets.h"

namespace llama::internal {
namespace {

constexpr std::array<std::pair<std::string_view, ErrorCode>, 23> kDuckdbErrors = {{
    {"Invalid Input Error", ErrorCode::InvalidText},
    {"Conversion Error", ErrorCode::InvalidText},
    {"Out of Range Error", ErrorCode::InvalidText},
    {"Serialization Error", ErrorCode::InvalidText},
    {"Data Corruption Error", ErrorCode::InvalidText},
    {"Parser Error", ErrorCode::InvalidQuery},
    {"Syntax Error", ErrorCode::InvalidQuery},
    {"Binder Error", ErrorCode::InvalidQuery},
    {"Catalog Error", ErrorCode::InvalidQuery},
    {"Invalid Error", ErrorCode::Io},
    {"Not implemented Error", ErrorCode::InvalidQuery},
    {"Permission Error", ErrorCode::InvalidQuery},
    {"Missing Extension Error", ErrorCode::InvalidQuery},
    {"Extension Autoloading Error", ErrorCode::InvalidQuery},
    {"Settings Error", ErrorCode::InvalidQuery},
    {"IO Error", ErrorCode::Io},
    {"HTTP Error", ErrorCode::Network},
    {"Network Error", ErrorCode::Network},
    {"Connection Error", ErrorCode::Network},
    {"TransactionContext Error", ErrorCode::Io},
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

// What follows is for users of DuckDB's own console, or a guess.
std::string_view without_advice(std::string_view text) {
  for (const std::string_view end :
       {"\n\nLINE ", "\nLINE ", "\nPossible", "\nTry ",
        "\n\tCandidate functions:", "\n\nCandidate functions:", "\nCandidate functions:", "\nhint",
        "\n  file =", " Try ", "\n\tThis probably means", "\n\tIs the server running", "\n\nAuthentication Failure"})
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
      return std::format("{}: {} column{} where the header has {}", where, counts.substr(found + 8),
                         counts.substr(found + 8) == "1" ? "" : "s", counts.substr(0, found));
  }
  if (text.contains("unterminated quote")) return std::format("{}: a quote opens and never closes", where);
  if (text.contains("Invalid unicode"))
    return std::format("{}: it is not UTF-8; convert it first (iconv -t UTF-8)", where);
  // The reason is the line after the original one.
  std::string_view rest = text.substr(text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1);
  if (rest.starts_with("Original Line: ")) rest.remove_prefix(std::min(rest.size(), rest.find('\n')));
  return std::format("{}: {}", where, on_one_line(without_advice(rest)));
}

// 'Referenced column "x" not found in FROM clause!\nCandidate bindings: "a", "b"', where a name of our own may be
// among the candidates.
std::optional<std::string> unknown_column(std::string_view text) {
  constexpr std::string_view kBegin = "Referenced column \"", kMiddle = "\" not found in FROM clause";
  const std::size_t end = text.find(kMiddle);
  if (!text.starts_with(kBegin) || end == std::string_view::npos) return std::nullopt;
  std::string told = std::format("there is no column '{}'", text.substr(kBegin.size(), end - kBegin.size()));
  std::string_view rest = line_after(text, "Candidate bindings: ");
  std::string near;
  for (std::size_t open = 0; (open = rest.find('"')) != std::string_view::npos;) {
    const std::size_t close = rest.find('"', open + 1);
    if (close == std::string_view::npos) break;
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    if (!is_batch_row_name(name)) near += std::format("{}'{}'", near.empty() ? "" : ", ", name);
    rest.remove_prefix(close + 1);
  }
  return near.empty() ? told : told + "; near it are " + near;
}

// Its parser does not say where.
std::string csv_without_line(std::string_view text) {
  const std::string_view file = line_after(text, "\n  file = ");
  return std::format("{}{}: a quote stands within a field, or lines end in several ways",
                     file.empty() ? "the input" : std::format("file '{}'", file), kNoCsv);
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

// What a server, a network or their libraries say when the line is dead or was never there.
constexpr std::array<std::string_view, 21> kDeadLine = {"Unable to connect",
                                                        "onnection refused",
                                                        "onnection reset",
                                                        "onnection timed out",
                                                        "closed the connection",
                                                        "ost connection",
                                                        "gone away",
                                                        "terminating connection",
                                                        "the database system is",
                                                        "Can't connect",
                                                        "Could not connect",
                                                        "Failed to connect",
                                                        "Could not resolve",
                                                        "could not translate host name",
                                                        "Unknown server host",
                                                        "No route to host",
                                                        "partial file",
                                                        "Timeout was reached",
                                                        "receiving data from the peer",
                                                        "no connection to the server",
                                                        "Server returned nothing"};
constexpr std::array<std::string_view, 4> kNoAccess = {"HTTP 401", "HTTP 403", "authentication failed",
                                                       "Access denied"};

bool has_one_of(std::string_view text, std::span<const std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return text.contains(part); });
}

// 'Failed to prepare COPY "COPY (SELECT …)": server closed the connection': the statement is DuckDB's own.
std::string_view without_statement(std::string_view text) {
  if (!text.starts_with("Failed to ") && !text.starts_with("PREPARE error")) return text;
  const std::size_t open = text.find('"'), close = text.rfind("\": ");
  return open == std::string_view::npos || close == std::string_view::npos || close <= open ? text
                                                                                            : text.substr(close + 3);
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
  if (message.starts_with("The CSV Parser state machine reached an invalid state"))
    return {ErrorCode::InvalidText, csv_without_line(message)};
  if (auto column = unknown_column(message)) return {code, std::move(*column)};
  if (auto csv = csv_fault(message)) return {ErrorCode::InvalidText, std::move(*csv)};
  if (auto json = json_fault(message)) return {ErrorCode::InvalidText, std::move(*json)};
  for (const std::string_view function : {"postgres_scan", "mysql_scan"}) {
    if (message.starts_with(std::format("Table Function with name {} does not exist", function)))
      return {code, std::format("this DuckDB has no function {}; attach the database and name the table", function)};
  }
  if (message.starts_with("No files found that match the pattern") || message.contains("HTTP 404"))
    code = ErrorCode::NotFound;
  // It writes nothing else than what does not fit into memory.
  if (code == ErrorCode::Io && message.contains("No space left on device"))
    return {ErrorCode::NoSpace,
            without_secrets(on_one_line(without_advice(message))) + "; TMPDIR names the folder of such files"};
  const bool is_of_input = code != ErrorCode::Io && code != ErrorCode::Network && code != ErrorCode::Internal;
  std::string line = on_one_line(without_advice(message));
  if (!is_of_input && has_one_of(message, kDeadLine)) {
    code = ErrorCode::Network;
    line = on_one_line(without_advice(without_statement(message)));
  }
  if (!is_of_input && has_one_of(message, kNoAccess)) code = ErrorCode::AccessDenied;
  return {code, without_secrets(line)};
}

}  // namespace llama::internal
