#include "llama-loader/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string>

namespace llama {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kMaxWish = 1LL << 40;  // seconds; more than anyone means, and safe to multiply

std::optional<std::int64_t> whole_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return text.front() == '-' ? -1 : kMaxWish;
  if (error != std::errc()) return std::nullopt;
  return std::min(value, kMaxWish);
}

// "Wed, 21 Oct 2015 07:28:00 GMT"
std::optional<std::int64_t> http_date(std::string_view text) {
  std::tm time{};
  const char* end = ::strptime(std::string(text).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr) return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&time));
}

// The number after "name=" among the parameters of a structured field: "resolvers";r=0;t=55
std::optional<std::int64_t> parameter(std::string_view field, std::string_view name) {
  for (std::size_t at = 0; (at = field.find(';', at)) != std::string_view::npos;) {
    std::string_view rest = field.substr(++at);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with('=')) {
      rest.remove_prefix(name.size() + 1);
      return whole_number(rest.substr(0, rest.find_first_of(";,")));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<milliseconds> retry_delay(const RetryConfig& config, int retry, double random,
                                        std::optional<seconds> server_wish) {
  const auto most = static_cast<double>(std::max<milliseconds>(config.max_delay, milliseconds(0)).count());
  const double bound = static_cast<double>(std::max<milliseconds>(config.initial_delay, milliseconds(0)).count()) *
                       std::pow(std::max(1.0, config.backoff_multiplier), std::max(0, retry));
  auto delay = milliseconds(static_cast<std::int64_t>(std::min(bound, most) * (config.jitter ? random : 1.0)));
  if (!server_wish) return delay;
  if (*server_wish > config.max_server_delay) return std::nullopt;
  // Everyone who was turned away comes back at the same moment: spread by the jitter.
  return std::max<milliseconds>(delay, *server_wish) + std::min(delay, milliseconds(1000));
}

bool is_transient_status(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::optional<seconds> server_wish(std::string_view retry_after, std::string_view rate_limit, std::string_view date,
                                   std::int64_t now) {
  std::int64_t wish = 0;
  if (const auto number = whole_number(retry_after)) {
    wish = *number;
  } else if (const auto until = http_date(retry_after)) {
    wish = *until - http_date(date).value_or(now);
  }
  if (parameter(rate_limit, "r") == 0) wish = std::max(wish, parameter(rate_limit, "t").value_or(0));
  if (wish <= 0) return std::nullopt;
  return seconds(std::min(wish, kMaxWish));
}

}  // namespace llama
