#include "llama-loader/hub_settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <format>
#include <iterator>

#include "llama-base/whole_file.h"
#include "llama-http/url.h"

namespace llama {
namespace {

constexpr std::size_t kMaxTokenFileBytes = 4096;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::string without_blanks(std::string text) {
  const auto blank = [](unsigned char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(static_cast<unsigned char>(text.back()))) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, blank));
  return text;
}

std::unexpected<Error> bad(std::string_view name, const std::string& value, std::string_view expected) {
  return fail(ErrorCode::InvalidArgument, std::format("the variable {}='{}' is not {}", name, value, expected));
}

// Reads variables; an empty one counts as not set.
class Reader {
 public:
  explicit Reader(const HubSettings::Variable& variable) : variable_(variable) {}

  std::string text(const char* name) const { return without_blanks(variable_(name).value_or("")); }

  Result<bool> flag(const char* name) const {
    std::string value = text(name);
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (value == "1" || value == "ON" || value == "YES" || value == "TRUE") return true;
    if (value.empty() || value == "0" || value == "OFF" || value == "NO" || value == "FALSE") return false;
    return bad(name, value, "one of 1, on, yes, true, 0, off, no, false");
  }

  Result<std::chrono::seconds> seconds(const char* name, std::chrono::seconds otherwise) const {
    const std::string value = text(name);
    if (value.empty()) return otherwise;
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 1 || number > 86400) {
      return bad(name, value, "a number of seconds from 1 to 86400");
    }
    return std::chrono::seconds(number);
  }

 private:
  const HubSettings::Variable& variable_;
};

std::filesystem::path cache_home(const Reader& reader) {
  if (const std::string folder = reader.text("XDG_CACHE_HOME"); folder.starts_with('/')) return folder;
  const std::string home = reader.text("HOME");
  return std::filesystem::path(home.empty() ? "." : home) / ".cache";
}

Result<std::string> find_token(const Reader& reader, const std::filesystem::path& hf_home,
                               const std::stop_token& stop) {
  const auto off = reader.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  if (!off) return std::unexpected(off.error());
  if (*off) return std::string();
  std::string found = reader.text("HF_TOKEN");
  if (found.empty()) found = reader.text("HUGGING_FACE_HUB_TOKEN");
  if (found.empty()) {
    const std::string path = reader.text("HF_TOKEN_PATH");
    const std::filesystem::path file = path.empty() ? hf_home / "token" : std::filesystem::path(path);
    auto bytes = internal::read_whole_file(file, kMaxTokenFileBytes, stop);
    if (!bytes && bytes.error().code == ErrorCode::Cancelled) return bytes;
    if (!bytes && bytes.error().code == ErrorCode::InvalidArgument)
      return fail(ErrorCode::InvalidArgument,
                  std::format("the Hugging Face token's file '{}' is {}", file.string(), bytes.error().message));
    found = without_blanks(bytes.value_or(""));
  }
  // It becomes part of a header line.
  if (std::ranges::any_of(found, [](char c) { return c <= ' ' || c > '~'; })) {
    return fail(ErrorCode::InvalidArgument, "the Hugging Face token has blanks or control characters in it");
  }
  return found;
}

}  // namespace

Result<HubSettings> HubSettings::from_environment(const std::stop_token& stop) {
  return from_environment(environment, stop);
}

Result<HubSettings> HubSettings::from_environment(const Variable& variable, const std::stop_token& stop) {
  const Reader reader(variable);
  HubSettings settings;
  if (std::string endpoint = reader.text("HF_ENDPOINT"); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!internal::origin_of(endpoint) || endpoint.find_first_of("?#") != std::string::npos) {
      return bad("HF_ENDPOINT", internal::without_secrets(endpoint), "an http or https address");
    }
    settings.endpoint = endpoint;
  }
  for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) {
    const auto offline = reader.flag(name);
    if (!offline) return std::unexpected(offline.error());
    settings.offline = settings.offline || *offline;
  }
  const auto connect = reader.seconds("HF_HUB_ETAG_TIMEOUT", settings.connect_timeout);
  if (!connect) return std::unexpected(connect.error());
  settings.connect_timeout = *connect;
  const auto stall = reader.seconds("HF_HUB_DOWNLOAD_TIMEOUT", settings.stall_timeout);
  if (!stall) return std::unexpected(stall.error());
  settings.stall_timeout = *stall;

  const std::string home = reader.text("HF_HOME");
  const std::filesystem::path hf_home = home.empty() ? cache_home(reader) / "huggingface" : std::filesystem::path(home);
  settings.hugging_face_cache = hf_home / "hub";
  for (const char* name : {"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"}) {
    if (const std::string folder = reader.text(name); !folder.empty()) settings.hugging_face_cache = folder;
  }
  auto found = find_token(reader, hf_home, stop);
  if (!found) return std::unexpected(found.error());
  settings.token = std::move(*found);
  return settings;
}

std::filesystem::path default_cache_folder() {
  const HubSettings::Variable variable = environment;
  return cache_home(Reader(variable)) / "llama-loader" / "models";
}

}  // namespace llama
