#include <algorithm>
#include <format>
#include <string_view>

#include "llama-http/url.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama {
namespace {

constexpr std::size_t kMaxServerName = 64;

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool has_nul(std::string_view text) { return text.contains('\0'); }

// Source: RFC 9110, 5.1 and 5.6.2: the letters of a header's name.
bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return is_name_letter(c) || std::string_view("!#$%&'*+.^`|~").contains(c);
  });
}

bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value,
                              [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

Result<void> check(const McpServerConfig& config) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::InvalidArgument, std::format("server '{}': {}", config.name, what));
  };
  if (config.name.empty() || config.name.size() > kMaxServerName || !std::ranges::all_of(config.name, is_name_letter)) {
    return wrong(std::format("a name has 1 to {} letters, digits, '-' and '_'", kMaxServerName));
  }
  if (config.command.empty() == config.url.empty()) {
    return wrong(config.url.empty() ? "it has neither a command nor a url" : "it has a command and a url");
  }
  if (has_nul(config.command) || std::ranges::any_of(config.args, has_nul)) return wrong("its command has a NUL in it");
  for (const auto& [name, value] : config.env) {
    if (name.empty() || name.contains('=') || has_nul(name) || has_nul(value)) {
      return wrong(
          std::format("its environment has a variable '{}' that cannot be set", name.substr(0, name.find('\0'))));
    }
  }
  for (const auto& [name, value] : config.headers) {
    if (!is_header_name(name)) return wrong("a header has a name that cannot be sent");
    if (!is_header_value(value)) return wrong(std::format("the value of the header '{}' cannot be sent", name));
  }
  if (!config.url.empty()) {
    if (auto origin = internal::origin_of(config.url); !origin) return wrong("its url: " + origin.error().message);
  }
  if (config.start_time_limit.count() <= 0 || config.call_time_limit.count() <= 0)
    return wrong("a time limit is not above 0");
  return {};
}

}  // namespace llama
