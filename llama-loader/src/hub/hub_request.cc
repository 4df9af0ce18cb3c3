#include "hub/hub_request.h"

#include <format>
#include <random>

#include "llama-base/pause.h"
#include "llama-http/url.h"

namespace llama::internal {
namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

double random_fraction() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

}  // namespace

std::expected<HttpResult, HubFailure> follow(HttpTransport& transport, const HubSettings& settings,
                                             HubQuestion& question, const std::string& url,
                                             const std::optional<std::string>& range, const HttpSink& sink,
                                             const std::stop_token& stop) {
  std::vector<std::string> hops{url};
  for (;;) {
    question.url = hops.back();
    question.with_token = !settings.token.empty() && may_send_token(hops.back(), settings.endpoint);
    bool redirected = false;
    std::size_t body = 0;
    const HttpSink watching{
        .head = [&](const HttpHead& head) { return (redirected = is_redirect(head.status)) || sink.head(head); },
        // A redirect's short body is read, so that the connection can be used again.
        .body =
            [&](std::span<const std::byte> bytes) {
              return redirected ? (body += bytes.size()) <= kMaxErrorBody : sink.body(bytes);
            }};
    HttpResult result = transport.perform(
        {.url = hops.back(), .token = question.with_token ? settings.token : "", .range = range}, watching, stop);
    if (!redirected || result.end == TransferEnd::Cancelled) return result;
    auto target = redirect_target(hops, result.head.value("location"));
    if (!target) return std::unexpected(HubFailure{.error = target.error(), .again = false, .wish = {}});
    hops.push_back(std::move(*target));
  }
}

bool wait_for_retry(const RetryConfig& config, int retry, const HubFailure& failure,
                    const std::function<void(std::string_view)>& on_message, const std::stop_token& stop) {
  if (!failure.again || retry >= config.max_retries) return false;
  const auto delay = retry_delay(config, retry, random_fraction(), failure.wish);
  if (!delay) return false;
  if (on_message) {
    on_message(std::format("{}; trying again in {:.1f} s ({} of {})", failure.error.message,
                           std::chrono::duration<double>(*delay).count(), retry + 1, config.max_retries));
  }
  return pause(*delay, stop);
}

Result<HubAnswer> ask(HttpTransport& transport, const HubSettings& settings, const RetryConfig& retry,
                      HubQuestion question, const std::string& url, std::size_t most,
                      const std::function<void(std::string_view)>& on_message, const std::stop_token& stop) {
  for (int attempt = 0;; ++attempt) {
    HubAnswer answer;
    bool too_long = false;
    const HttpSink sink{.head = [&](const HttpHead& head) { return answer.head = head, true; },
                        .body =
                            [&](std::span<const std::byte> bytes) {
                              const std::size_t limit = answer.head.status == 200 ? most : kMaxErrorBody;
                              too_long = answer.body.size() + bytes.size() > limit;
                              if (!too_long)
                                answer.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                              return !too_long;
                            }};
    auto result = follow(transport, settings, question, url, std::nullopt, sink, stop);
    HubFailure failure;
    if (!result) {
      failure = result.error();
    } else if (answer.head.status != 0 && answer.head.status != 200) {
      failure = explain_answer(question, answer.head, answer.body);
    } else if (too_long) {
      return fail(ErrorCode::Network,
                  std::format("'{}' answered with more than {} bytes", without_secrets(question.url), most));
    } else if (result->end != TransferEnd::Complete) {
      failure = explain_transfer(question, *result);
    } else {
      return answer;
    }
    if (!wait_for_retry(retry, attempt, failure, on_message, stop)) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "the request to the hub was stopped");
      return std::unexpected(failure.error);
    }
  }
}

}  // namespace llama::internal
