#include "read/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace llama::internal {
namespace {

// In lower case, '-' and '_' left out.
constexpr std::array<std::string_view, 24> kSecretNames = {
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "sslpassword",
    "secret",
    "secretkey",
    "secretaccesskey",
    "sessiontoken",
    "accesstoken",
    "bearertoken",
    "authtoken",
    "token",
    "apikey",
    "authorization",
    "connectionstring",
    "clientsecret",
    "s3secretaccesskey",
    "s3sessiontoken",
    "xamzsignature",
    "xamzcredential",
    "xamzsecuritytoken",
    "xgoogsignature",
    "sig",
};

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_quote(char c) { return c == '\'' || c == '"'; }

bool is_secret_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (c != '_' && c != '-') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::ranges::contains(kSecretNames, plain);
}

struct Span {
  std::size_t begin = 0, end = 0;
};

// The value after a name that ends at `at`: "=x", " = 'x y'", " 'x'", "': 'x'". Without a sign it has to be quoted, or
// any sentence with such a word would lose the next one. Quotes are doubled where a connection string stands in SQL.
Span value_after(std::string_view text, std::size_t at) {
  const auto skip_blanks = [&] {
    while (at < text.size() && is_blank(text[at])) ++at;
  };
  const bool is_key = at + 1 < text.size() && is_quote(text[at]) && (text[at + 1] == ':' || text[at + 1] == '=');
  if (is_key) ++at;
  skip_blanks();
  const bool has_sign = at < text.size() && (text[at] == '=' || (text[at] == ':' && is_key));
  if (has_sign) {
    ++at;
    skip_blanks();
  }
  if (at == text.size()) return {};
  if (is_quote(text[at])) {
    std::size_t quotes = 1;
    while (at + quotes < text.size() && text[at + quotes] == text[at]) ++quotes;
    const std::string_view closing = text.substr(at, quotes);
    for (std::size_t end = at + quotes; end < text.size(); ++end) {
      if (text[end] == '\\') {
        ++end;
      } else if (text.substr(end).starts_with(closing)) {
        return {at + quotes, end};
      }
    }
    return {std::min(at + quotes, text.size()), text.size()};
  }
  if (!has_sign) return {};
  const std::size_t end = std::min(text.size(), text.find_first_of(" \t\r\n'\"&;,)", at));
  return {at, end};
}

// The password of "://user:password@host", whose "://" begins at `at`.
Span password_of_url(std::string_view text, std::size_t at) {
  const std::size_t begin = at + 3;
  const std::size_t end = std::min(text.size(), text.find_first_of("/?# \t\r\n'\"", begin));
  const std::size_t host = text.substr(begin, end - begin).rfind('@');
  if (host == std::string_view::npos) return {};
  const std::size_t colon = text.substr(begin, host).find(':');
  if (colon == std::string_view::npos) return {};
  return {begin + colon + 1, begin + host};
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  const auto hide = [&](const Span& span) {
    out += text.substr(at, span.begin - at);
    out += "***";
    at = span.end;
  };
  while (at < text.size()) {
    if (text.substr(at).starts_with("://")) {
      const Span password = password_of_url(text, at);
      if (password.end > password.begin) hide(password);
    } else if (is_name_character(text[at])) {
      std::size_t end = at;
      while (end < text.size() && is_name_character(text[end])) ++end;
      const bool is_secret = is_secret_name(text.substr(at, end - at));
      const Span value = is_secret ? value_after(text, end) : Span{};
      if (value.end > value.begin) {
        hide(value);
        continue;
      }
      out += text.substr(at, end - at);
      at = end;
      continue;
    }
    if (at < text.size()) out += text[at++];
  }
  return out;
}

}  // namespace llama::internal
