#include "config/config_json.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "llama-base/json_shape.h"
#include "llama-base/text_kind.h"
#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

// Where the comment at text[at] ends, or `at` where there is none.
std::size_t after_comment(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) == "//") return std::min(text.size(), text.find('\n', at));
  if (text.substr(at, 2) != "/*") return at;
  const auto end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string place_of(std::string_view text, std::size_t at) {
  std::size_t line = 1, column = 1;
  for (const char c : text.substr(0, at)) {
    if (c == '\n')
      ++line, column = 1;
    else
      ++column;
  }
  return std::format("line {}, column {}", line, column);
}

// Finds the first fault, and names that come twice.
class ConfigScan : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return names_.emplace_back(), true; }
  bool end_object() override { return names_.pop_back(), true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool key(string_t& name) override {
    if (names_.size() <= 2 && !names_.back().insert(name).second && twice.empty()) twice = name;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fault = position;
    return false;
  }

  std::size_t fault = 0;  // counted from 1
  std::string twice;

 private:
  std::vector<std::set<std::string>> names_;
};

}  // namespace

std::string without_trailing_commas(std::string_view text) {
  std::string changed(text);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (const auto end = after_comment(text, i); end > i) {
      i = end - 1;
    } else if (text[i] == ',') {
      std::size_t next = i + 1;
      while (next < text.size()) {
        if (is_blank(text[next]))
          ++next;
        else if (const auto over = after_comment(text, next); over > next)
          next = over;
        else
          break;
      }
      if (next < text.size() && (text[next] == '}' || text[next] == ']')) changed[i] = ' ';
    }
  }
  return changed;
}

Result<nlohmann::ordered_json> parse_config_json(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (const auto why = why_not_utf8(text)) return fail(ErrorCode::InvalidArgument, *why);
  if (json_depth(text) > kMaxJsonDepth) return fail(ErrorCode::InvalidArgument, "nested too deep");
  const std::string sound = without_trailing_commas(text);
  ConfigScan scan;
  if (!nlohmann::ordered_json::sax_parse(sound, &scan, nlohmann::ordered_json::input_format_t::json, true, true)) {
    const auto at = std::min(text.size(), scan.fault > 0 ? scan.fault - 1 : 0);
    return fail(ErrorCode::InvalidArgument, std::format("{}: no JSON from here on", place_of(text, at)));
  }
  if (!scan.twice.empty()) return fail(ErrorCode::InvalidArgument, std::format("'{}' is there twice", scan.twice));
  return nlohmann::ordered_json::parse(sound, nullptr, false, true);
}

}  // namespace llama::internal
