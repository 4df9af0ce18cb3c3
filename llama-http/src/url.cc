#include "llama-http/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <format>
#include <memory>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxHops = 10;

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, FreeUrl>;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

UrlHandle parsed(const std::string& url) {
  UrlHandle handle(curl_url());
  if (!handle || curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return {};
  return handle;
}

std::string part(const UrlHandle& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

std::unexpected<Error> refused(const std::string& from, std::string_view why) {
  return fail(ErrorCode::Network, std::format("'{}' redirects {}", without_secrets(from), why));
}

}  // namespace

bool Origin::is_loopback() const { return host == "localhost" || host == "[::1]" || host.starts_with("127."); }

Result<Origin> origin_of(const std::string& url) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' {}", without_secrets(url), why));
  };
  const UrlHandle handle = parsed(url);
  if (!handle) return bad("is no web address");
  Origin origin{lower(part(handle, CURLUPART_SCHEME)), lower(part(handle, CURLUPART_HOST)),
                part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  if (origin.scheme != "http" && origin.scheme != "https") return bad("is neither an http nor an https address");
  if (!part(handle, CURLUPART_USER).empty()) return bad("has a user's name in it");
  return origin;
}

bool same_origin(const std::string& a, const std::string& b) {
  const auto first = origin_of(a), second = origin_of(b);
  return first && second && *first == *second;
}

std::string without_secrets(const std::string& url) {
  const UrlHandle handle = parsed(url);
  if (!handle) {
    // What is no address may have been meant as one: "user:password@host".
    const std::string after = url.substr(url.rfind('@') + 1);  // all of it where there is none
    return after.substr(0, after.find_first_of("?#"));
  }
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(handle.get(), secret, nullptr, 0);
  }
  return part(handle, CURLUPART_URL);
}

std::string percent_encoded(std::string_view text, std::string_view kept) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 0x80 && (std::isalnum(byte) != 0 || std::string_view("-._~").contains(c) || kept.contains(c));
    result += plain ? std::string(1, c) : std::format("%{:02X}", byte);
  }
  return result;
}

Result<std::string> redirect_target(std::span<const std::string> hops, std::string_view location) {
  const std::string& from = hops.back();
  if (location.empty()) return refused(from, "without saying where to");
  if (hops.size() > kMaxHops) return refused(hops.front(), std::format("more than {} times", kMaxHops));
  const UrlHandle handle = parsed(from);
  // Setting a relative address on top of an absolute one resolves it.
  if (!handle ||
      curl_url_set(handle.get(), CURLUPART_URL, std::string(location).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return refused(from, "to something that is no address");
  }
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  std::string target = part(handle, CURLUPART_URL);
  const std::string scheme = lower(part(handle, CURLUPART_SCHEME));
  if (scheme != "http" && scheme != "https") return refused(from, std::format("to a {} address", scheme));
  if (scheme == "http" && lower(part(parsed(from), CURLUPART_SCHEME)) == "https") {
    return refused(from, "from https to http");
  }
  if (!part(handle, CURLUPART_USER).empty()) return refused(from, "to an address with a user's name in it");
  if (std::ranges::find(hops, target) != hops.end()) return refused(from, "in a circle");
  return target;
}

bool may_send_token(const std::string& url, const std::string& endpoint) {
  const auto to = origin_of(url);
  return same_origin(url, endpoint) && (to->scheme == "https" || to->is_loopback());
}

}  // namespace llama::internal
