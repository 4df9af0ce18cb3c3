#include "http/refusal.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <nlohmann/json.hpp>

#include "http/message_head.h"
#include "llama-base/utf8.h"
#include "llama-base/utf8_stream.h"
#include "protocol/mcp_json.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kShownBody = 200;

std::string error_words(std::string_view body) {
  const auto json = parse_mcp_json(body);
  return json ? text_member(object_member(*json, "error"), "message") : std::string();
}

// The body as far as people can read it: of a page in HTML there is nothing to see in one line.
std::string shown_body(const HttpHead& head, std::string_view body) {
  std::string words = error_words(body);
  if (words.empty() && !head.value("content-type").contains("html")) words = body;
  words = first_part(one_line(words), kShownBody);
  return words.empty() ? words : ": " + words;
}

bool names_session(std::string_view words) {
  std::string lower(words);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.contains("session");
}

Error access_denied(const HttpHead& head, std::string_view body, const RefusalContext& context) {
  const std::string words = shown_body(head, body);
  if (head.status == 403) {
    return {ErrorCode::AccessDenied,
            std::format("status 403: {} may not do this{}",
                        context.has_authorization ? "who the header 'Authorization' of its config stands for"
                                                  : "who comes without the header 'Authorization'",
                        words)};
  }
  if (context.has_authorization) {
    return {ErrorCode::AccessDenied,
            std::format("status 401: it does not accept the header 'Authorization' of its config{}", words)};
  }
  return {ErrorCode::AccessDenied,
          std::format("status 401: it wants the header 'Authorization', to be set in its config under \"headers\""
                      " (\"Bearer …\"); signing in by OAuth is not supported{}",
                      words)};
}

}  // namespace

Refusal read_refusal(const HttpHead& head, std::string_view raw_body, const OutgoingMessage& message,
                     const RefusalContext& context) {
  const std::string body = is_utf8(raw_body) ? std::string(raw_body) : whole_characters(raw_body);
  const int status = head.status;
  const auto failed = [&](ErrorCode code, std::string words) {
    return Refusal{.kind = Refusal::Kind::Failed, .error = {code, std::move(words)}};
  };
  if (status == 401 || status == 403)
    return {.kind = Refusal::Kind::Failed, .error = access_denied(head, body, context)};
  if (status == 429) {
    const std::string_view after = head.value("retry-after");
    return failed(ErrorCode::Busy, std::format("status 429: too many requests{}",
                                               after.empty() ? std::string()
                                                             : std::format(", it may be asked again after {} s",
                                                                           first_part(one_line(after), 40))));
  }
  const MessageHead rpc = read_message_head(body);
  const bool is_rpc_error = rpc.is_answer && rpc.is_error && (!rpc.has_id || rpc.id == message.id);
  if (context.is_older && message.method != "initialize" && message.method != "server/discover") {
    // Some servers say 400 where they should say 404. They have not looked at the request either.
    if (status == 404 && context.has_session) return {.kind = Refusal::Kind::SessionLost};
    if (status == 400 && context.has_session && names_session(error_words(body)))
      return {.kind = Refusal::Kind::SessionLost};
  }
  if (is_rpc_error) {
    return {.kind = Refusal::Kind::Message, .message = rpc.has_id ? body : with_id(body, message.id)};
  }
  const std::string words = shown_body(head, body);
  if (status >= 300 && status < 400) return failed(ErrorCode::Network, std::format("status {}{}", status, words));
  // A server of the older era that fails at a question it does not know has failed, and is not out of reach.
  const bool is_question = message.method == "server/discover";
  if (status >= 500 && !(is_question && status <= 501)) {
    return failed(ErrorCode::Network, std::format("status {}{}", status, words));
  }
  if (message.method == "initialize" && (status == 404 || status == 405)) {
    return failed(ErrorCode::InvalidArgument,
                  std::format("status {}: there is no server of Streamable HTTP at its url; of the transport HTTP+SSE"
                              " of 2024-11-05, which is not spoken, it would be another address{}",
                              status, words));
  }
  return failed(ErrorCode::InvalidArgument, std::format("status {}{}", status, words));
}

}  // namespace llama::internal
