#include "protocol/secret_filter.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMinSecretBytes = 6;
constexpr std::string_view kHidden = "***", kCut = "…";

// How much of a secret's beginning is the end of a text that broke off, or 0.
std::size_t begun(std::string_view text, std::string_view secret) {
  for (std::size_t size = std::min(text.size(), secret.size()); size >= kMinSecretBytes; --size) {
    if (text.ends_with(secret.substr(0, size))) return size;
  }
  return 0;
}

// How much of a secret's end is the beginning of a text whose first part is missing, or 0.
std::size_t ended(std::string_view text, std::string_view secret) {
  for (std::size_t size = std::min(text.size(), secret.size()); size >= kMinSecretBytes; --size) {
    if (text.starts_with(secret.substr(secret.size() - size))) return size;
  }
  return 0;
}

}  // namespace

SecretFilter::SecretFilter(const McpServerConfig& config) {
  const auto add = [&](std::string_view value) {
    if (value.size() >= kMinSecretBytes) secrets_.emplace_back(value);
  };
  const auto add_with_lines = [&](std::string_view value) {
    add(value);
    if (!value.contains('\n')) return;
    add(one_line(value));
    for (std::size_t begin = 0; begin < value.size();) {
      const std::size_t end = std::min(value.find_first_of("\r\n", begin), value.size());
      add(value.substr(begin, end - begin));
      begin = end + 1;
    }
  };
  for (const auto& [name, value] : config.env) add_with_lines(value);
  for (const auto& [name, value] : config.headers) {
    add(value);
    // "Bearer abc": the token alone, too.
    if (const auto blank = value.find(' '); blank != std::string::npos) add(std::string_view(value).substr(blank + 1));
  }
  std::ranges::sort(secrets_, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string SecretFilter::operator()(std::string text) const {
  for (const auto& secret : secrets_) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kHidden.size())) {
      text.replace(at, secret.size(), kHidden);
    }
  }
  for (auto at = text.find(kCut); at != std::string::npos; at = text.find(kCut, at + kCut.size())) {
    for (const auto& secret : secrets_) {
      const std::size_t after = at + kCut.size();
      if (const auto size = ended(std::string_view(text).substr(after), secret)) text.replace(after, size, kHidden);
      if (const auto size = begun(std::string_view(text).substr(0, at), secret)) {
        text.replace(at - size, size, kHidden);
        at = at - size + kHidden.size();
      }
    }
  }
  return text;
}

}  // namespace llama::internal
