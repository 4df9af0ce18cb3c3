#include "request_headers.h"

#include <algorithm>
#include <cctype>
#include <format>

namespace llama::internal {
namespace {

// What RFC 9110 calls a token: methods and names of headers.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c)));
  });
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// A line break in a value would begin another header, or another request.
std::string unsendable(const HttpRequest& request) {
  if (!is_token(request.method)) return std::format("'{}' is no method", request.method.substr(0, 40));
  for (const HttpHeader& header : request.headers) {
    if (!is_token(header.name)) return std::format("'{}' is no header's name", header.name.substr(0, 40));
    if (has_line_break(header.value)) return std::format("the value of the header '{}' has a line break", header.name);
  }
  if (has_line_break(request.token)) return "the token has a line break";
  return {};
}

// libcurl would add a content type to every body, and wait for a "100 Continue" before a long one.
HeaderList::HeaderList(const HttpRequest& request) {
  add("Accept-Encoding: identity");
  if (!request.token.empty()) add("Authorization: Bearer " + request.token);
  bool has_type = false;
  for (const HttpHeader& header : request.headers) {
    add(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
    has_type = has_type || lower_case(header.name) == "content-type";
  }
  if (request.body) add("Expect:");
  if (request.body && !has_type) add("Content-Type:");
}

void HeaderList::add(const std::string& line) {
  curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
  if (longer == nullptr) {
    is_whole_ = false;
    return;
  }
  // The longer list begins with the old one, which has this owner no more.
  [[maybe_unused]] const curl_slist* old = list_.release();
  list_.reset(longer);
}

}  // namespace llama::internal
