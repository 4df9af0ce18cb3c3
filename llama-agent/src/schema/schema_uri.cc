#include "schema_uri.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <vector>

namespace llama::internal {
namespace {

struct UriParts {
  std::optional<std::string> scheme, authority;
  std::string path;
  std::optional<std::string> query, fragment;
};

UriParts uri_parts(std::string_view text) {
  UriParts parts;
  if (const auto hash = text.find('#'); hash != text.npos)
    parts.fragment = text.substr(hash + 1), text = text.substr(0, hash);
  const auto is_scheme_character = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
  };
  const auto colon = text.find(':');
  if (colon != text.npos && colon > 0 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
      std::ranges::all_of(text.substr(0, colon), is_scheme_character)) {
    parts.scheme = text.substr(0, colon);
    text = text.substr(colon + 1);
  }
  if (text.starts_with("//")) {
    const auto end = std::min(text.find_first_of("/?", 2), text.size());
    parts.authority = text.substr(2, end - 2);
    text = text.substr(end);
  }
  if (const auto mark = text.find('?'); mark != text.npos)
    parts.query = text.substr(mark + 1), text = text.substr(0, mark);
  parts.path = text;
  return parts;
}

std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool is_absolute = path.starts_with('/');
  bool ends_in_folder = false;
  while (!path.empty()) {
    if (path.starts_with('/')) path.remove_prefix(1);
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    ends_in_folder = part.empty() || part == "." || part == "..";
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (part != "." && !(part.empty() && path.empty())) {
      kept.push_back(part);
    }
  }
  std::string joined;
  for (const auto part : kept) (joined += (joined.empty() && !is_absolute ? "" : "/")) += part;
  return joined + (ends_in_folder ? "/" : "");
}

}  // namespace

std::string resolved_uri(std::string_view base, std::string_view reference) {
  const UriParts from = uri_parts(base);
  UriParts to = uri_parts(reference);
  if (!to.scheme) {
    to.scheme = from.scheme;
    if (!to.authority) {
      to.authority = from.authority;
      if (to.path.empty()) {
        to.path = from.path;
        if (!to.query) to.query = from.query;
      } else if (!to.path.starts_with('/')) {
        const auto slash = from.path.rfind('/');
        to.path = slash == std::string::npos ? (from.authority ? "/" : "") + to.path
                                             : from.path.substr(0, slash + 1) + to.path;
        to.path = without_dots(to.path);
      } else {
        to.path = without_dots(to.path);
      }
    }
  }
  return (to.scheme ? *to.scheme + ":" : "") + (to.authority ? "//" + *to.authority : "") + to.path +
         (to.query ? "?" + *to.query : "") + (to.fragment ? "#" + *to.fragment : "");
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    const bool is_escape =
        text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3;
    decoded += is_escape ? static_cast<char>(value) : text[i];
    if (is_escape) i += 2;
  }
  return decoded;
}

}  // namespace llama::internal
