#include "hub/hub_failure.h"

#include <algorithm>
#include <format>

#include "hub/repo_kind.h"
#include "llama-http/curl_transport.h"
#include "llama-http/url.h"
#include "llama-loader/retry.h"
#include "unix_time.h"

namespace llama::internal {
namespace {

std::string host_of(const std::string& url) {
  const auto origin = origin_of(url);
  return origin ? origin->host : without_secrets(url);
}

// A server's own words, made fit for one line.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, 200));
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

std::string through_proxy() {
  const std::string proxy = proxy_for_message();
  return proxy.empty() ? "" : std::format(" (through the proxy {})", proxy);
}

HubFailure permanent(ErrorCode code, std::string message) {
  return {.error = {code, std::move(message)}, .again = false, .wish = {}};
}

HubFailure missing(const HubQuestion& q, std::string_view code) {
  if (code == "RevisionNotFound") {
    return permanent(ErrorCode::NotFound, std::format("{} has no revision '{}'", described(q.repo), q.revision));
  }
  if (code == "EntryNotFound" || !q.path.empty()) {
    return permanent(ErrorCode::NotFound,
                     std::format("{} has no file '{}' at revision '{}'", described(q.repo), q.path, q.revision));
  }
  const std::string_view model = kind_of(q.repo) == RepoKind::Model ? "model " : "";
  return permanent(ErrorCode::NotFound, std::format("the hub has no {}{}{}", model, described(q.repo),
                                                    q.with_token ? " that this token may read"
                                                                 : "; a private one needs a token: set HF_TOKEN"));
}

HubFailure denied(const HubQuestion& q, int status, std::string_view code, std::string_view message) {
  if (message.contains("Invalid credentials")) {
    return permanent(ErrorCode::AccessDenied, "the hub does not accept the token; check HF_TOKEN, or unset it");
  }
  if (code == "GatedRepo") {
    return permanent(
        ErrorCode::AccessDenied,
        std::format("{} asks to accept its terms: open {}/{} in a browser, then {}", described(q.repo), q.endpoint,
                    q.repo, q.with_token ? "try again with a token of that account" : "set HF_TOKEN"));
  }
  if (message.contains("disabled")) {
    return permanent(ErrorCode::AccessDenied, std::format("the hub has disabled {}", described(q.repo)));
  }
  if (status == 401) {
    return permanent(ErrorCode::AccessDenied,
                     std::format("{} does not exist or is private; {}", described(q.repo),
                                 q.with_token ? "this token may not read it" : "no token was sent: set HF_TOKEN"));
  }
  return permanent(ErrorCode::AccessDenied,
                   std::format("{} refuses access to {}{}{}", host_of(q.url), described(q.repo),
                               message.empty() ? "" : ": ", one_line(message)));
}

}  // namespace

HubFailure explain_answer(const HubQuestion& question, const HttpHead& head, std::string_view body) {
  const std::string_view code = head.value("x-error-code");
  const std::string_view message = head.value("x-error-message");
  const auto wish = server_wish(head.value("retry-after"), head.value("ratelimit"), head.value("date"), unix_time());
  if (head.status == 404 || code == "RepoNotFound" || code == "RevisionNotFound" || code == "EntryNotFound") {
    return missing(question, code);
  }
  if (head.status == 401 || head.status == 403 || code == "GatedRepo") {
    return denied(question, head.status, code, message);
  }
  if (head.status == 407) {
    return permanent(ErrorCode::Network, std::format("the proxy wants a user and a password{}", through_proxy()));
  }
  if (head.status == 429) {
    return {.error = {ErrorCode::RateLimited,
                      std::format("the hub's limit of requests is reached{}{}",
                                  wish ? std::format("; it asks to wait {} seconds", wish->count()) : "",
                                  question.with_token ? "" : " (a token has a higher limit: set HF_TOKEN)")},
            .again = true,
            .wish = wish};
  }
  const bool transient = is_transient_status(head.status);
  const bool page = body.starts_with("<");
  return {.error = {ErrorCode::Network, std::format("{} answered {}{}{}{}", host_of(question.url), head.status,
                                                    message.empty() ? "" : std::format(" ({})", one_line(message)),
                                                    page ? " with a web page" : "", through_proxy())},
          .again = transient,
          .wish = transient ? wish : std::nullopt};
}

HubFailure explain_transfer(const HubQuestion& question, const HttpResult& result) {
  if (result.end == TransferEnd::Cancelled) return permanent(ErrorCode::Cancelled, std::string(kDownloadStopped));
  return {.error = {ErrorCode::Network,
                    std::format("{}: {}{}", host_of(question.url), one_line(result.reason), through_proxy())},
          .again = result.end == TransferEnd::Broken,
          .wish = {}};
}

}  // namespace llama::internal
