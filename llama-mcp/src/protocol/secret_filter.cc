#include "protocol/secret_filter.h"

#include <algorithm>
#include <string_view>

namespace llama::internal {
namespace {

constexpr std::size_t kMinSecretBytes = 6;

}  // namespace

SecretFilter::SecretFilter(const McpServerConfig& config) {
  const auto add = [&](std::string_view value) {
    if (value.size() >= kMinSecretBytes) secrets_.emplace_back(value);
  };
  for (const auto& [name, value] : config.env) add(value);
  for (const auto& [name, value] : config.headers) {
    add(value);
    // "Bearer abc": the token alone, too.
    if (const auto blank = value.find(' '); blank != std::string::npos) add(std::string_view(value).substr(blank + 1));
  }
  std::ranges::sort(secrets_, [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string SecretFilter::operator()(std::string text) const {
  for (const auto& secret : secrets_) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

}  // namespace llama::internal
