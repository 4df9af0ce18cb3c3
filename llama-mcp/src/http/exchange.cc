#include "http/exchange.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/message_head.h"
#include "http/refusal.h"
#include "llama-base/pause.h"
#include "llama-base/utf8.h"
#include "llama-base/utf8_stream.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxRefusalBytes = std::size_t{64} << 10, kMaxBytesAfterAnswer = kMaxRefusalBytes;
constexpr std::size_t kMaxLingering = 2;
constexpr int kMaxAttempts = 5;  // to take a stream up again, without an event between them
constexpr std::chrono::milliseconds kShortestPause{100}, kFirstStreamPause{1'000}, kLongestStreamPause{30'000};

}  // namespace

void Delivery::message(std::string_view json) {
  const std::scoped_lock lock(mutex_);
  if (is_utf8(json)) return receiver_->message(json);
  receiver_->message(whole_characters(json));
}

void Delivery::failed(std::string_view id, Error error) {
  const std::scoped_lock lock(mutex_);
  receiver_->failed(id, std::move(error));
}

void Delivery::session_lost(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  receiver_->session_lost(id);
}

void Lingering::add(std::stop_source stream) {
  std::stop_source oldest(std::nostopstate);
  {
    const std::scoped_lock lock(mutex_);
    streams_.push_back(std::move(stream));
    if (streams_.size() > kMaxLingering) {
      oldest = std::move(streams_.front());
      streams_.pop_front();
    }
  }
  oldest.request_stop();  // perhaps long over
}

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

// The server's own wish holds; else a second, doubled with each failure. A wish of 0 would be a loop without rest.
std::chrono::milliseconds pause_before(std::optional<std::chrono::milliseconds> retry, int failures) {
  if (retry) return std::max(*retry, kShortestPause);
  return std::min(kFirstStreamPause * (1 << std::clamp(failures, 0, 10)), kLongestStreamPause);
}

void Exchange::run(HttpTransport& transport) {
  if (stop_.stop_requested()) return;
  if (std::chrono::steady_clock::now() >= deadline_) return fail_with(ErrorCode::TimedOut, "its time is over");
  is_older_ = link_.session.is_older();
  HttpRequest request{.method = "POST",
                      .url = link_.url,
                      .headers = link_.session.headers_to_post(message_),
                      .body = message_.json,
                      .limits = limits_until(deadline_)};
  had_session_ = std::ranges::any_of(request.headers, [](const auto& each) { return each.name == "Mcp-Session-Id"; });
  const auto fetched =
      guarded_fetch(transport, std::move(request),
                    {.head = [this](const HttpHead& head) { return take_head(head); },
                     .body =
                         [this](std::span<const std::byte> bytes) {
                           return take_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
                         }},
                    stop_.get_token());
  if (stop_.stop_requested()) return;
  if (message_.id.empty()) return;  // there is nobody to tell
  finish(fetched);
  if (!is_settled_ && kind_ == Body::Stream) take_up_again(transport);
}

bool Exchange::take_head(const HttpHead& head) {
  is_accepted_ = head.status >= 200 && head.status < 300;
  if (message_.id.empty()) {
    kind_ = Body::Ignored;
    return true;
  }
  if (!is_accepted_) {
    kind_ = Body::Refusal;
    return true;
  }
  if (message_.method == "initialize") link_.session.begin(head.value("mcp-session-id"));
  content_type_ = media_type(head.value("content-type"));
  if (content_type_ == "application/json") {
    kind_ = Body::Json;
  } else if (content_type_ == "text/event-stream") {
    kind_ = Body::Stream;
    begin_stream();
  } else {
    kind_ = Body::Odd;
  }
  return true;
}

bool Exchange::take_bytes(std::string_view bytes) {
  if (kind_ == Body::Stream) {
    if (is_settled_) return (bytes_after_ += bytes.size()) <= kMaxBytesAfterAnswer;
    const bool is_wanted = stream_->push(bytes);
    note_stream();
    return is_wanted;
  }
  const std::size_t limit = kind_ == Body::Json ? link_.max_message_bytes : kMaxRefusalBytes;
  if (body_.size() + bytes.size() > limit) {
    body_ += bytes.substr(0, limit - body_.size());
    is_too_long_ = true;
    return false;
  }
  body_ += bytes;
  return true;
}

void Exchange::begin_stream() {
  has_news_ = false;
  stream_.emplace(link_.max_message_bytes, [this](const StreamEvent& event) { return take_event(event); });
}

void Exchange::note_stream() {
  if (stream_->retry()) retry_ = stream_->retry();
  if (!stream_->last_event_id().empty()) last_event_id_ = stream_->last_event_id();
}

bool Exchange::take_event(const StreamEvent& event) {
  has_news_ = true;
  if (is_settled_) return true;
  if (event.is_too_long) {
    fail_with(ErrorCode::Network, std::format("a message of more than {} bytes came", link_.max_message_bytes));
    return false;
  }
  // An event without data is there for its id.
  if (event.data.empty() || event.type != "message") return true;
  take_answer(event.data);
  if (is_settled_) link_.lingering.add(stop_);
  return true;
}

void Exchange::take_answer(std::string_view text) {
  const MessageHead head = read_message_head(text);
  if (!head.is_answer) return link_.delivery.message(text);
  if (!head.has_id && head.is_error) {
    // The server could not read whose request it refuses: over HTTP it is this one.
    is_settled_ = true;
    return link_.delivery.message(with_id(text, message_.id));
  }
  is_settled_ = head.id == message_.id;
  link_.delivery.message(text);
}

void Exchange::fail_with(ErrorCode code, std::string message) {
  if (std::exchange(is_settled_, true) || message_.id.empty()) return;
  link_.delivery.failed(message_.id, {code, std::move(message)});
}

void Exchange::finish(const Fetched& fetched) {
  if (is_settled_) return;
  if (fetched.refused_redirect) return fail_with(fetched.refused_redirect->code, fetched.refused_redirect->message);
  const HttpResult& result = fetched.result;
  const bool has_head = result.head.status != 0;
  if (result.end == TransferEnd::TimedOut) return fail_with(ErrorCode::TimedOut, "no answer in time");
  if (result.end == TransferEnd::Hopeless) return fail_with(ErrorCode::Network, result.reason);
  if (!has_head) return fail_with(ErrorCode::Network, std::format("no connection, or it broke: {}", result.reason));
  if (kind_ == Body::Refusal) return finish_refusal(result.head);
  if (kind_ == Body::Stream) {
    // The receiver may be told only here: a broken stream of the older era goes on elsewhere.
    if (is_older_ && !last_event_id_.empty()) return;
    return fail_with(ErrorCode::Network, result.end == TransferEnd::Broken
                                             ? std::format("the connection broke before the answer: {}", result.reason)
                                             : std::string("its event stream ended without the answer"));
  }
  if (kind_ == Body::Odd) {
    // To the first question of all, an older server's odd answer says that it is older.
    const bool is_question = message_.method == "server/discover";
    return fail_with(is_question ? ErrorCode::InvalidArgument : ErrorCode::Network,
                     content_type_.empty() ? std::format("status {} without an answer", result.head.status)
                                           : std::format("it answers with '{}', and neither JSON nor events",
                                                         first_part(one_line(content_type_), 100)));
  }
  if (is_too_long_) {
    return fail_with(ErrorCode::Network, std::format("its answer has more than {} bytes", link_.max_message_bytes));
  }
  if (result.end == TransferEnd::Broken) {
    return fail_with(ErrorCode::Network, std::format("the connection broke within the answer: {}", result.reason));
  }
  take_answer(body_);
  if (!is_settled_) fail_with(ErrorCode::Network, "what it sent is no answer to this request");
}

void Exchange::finish_refusal(const HttpHead& head) {
  const Refusal refusal = read_refusal(head, body_, message_,
                                       {.has_session = had_session_,
                                        .is_older = is_older_,
                                        .has_authorization = link_.session.has_own("authorization")});
  switch (refusal.kind) {
    case Refusal::Kind::Message:
      is_settled_ = true;
      return link_.delivery.message(refusal.message);
    case Refusal::Kind::SessionLost:
      is_settled_ = true;
      return link_.delivery.session_lost(message_.id);
    case Refusal::Kind::Failed:
      return fail_with(refusal.error.code, refusal.error.message);
  }
}

void Exchange::take_up_again(HttpTransport& transport) {
  std::string why = "its event stream ended without the answer";
  for (int failures = 0; failures < kMaxAttempts;) {
    if (!internal::pause(pause_before(retry_, failures), stop_.get_token())) return;
    if (std::chrono::steady_clock::now() >= deadline_) return fail_with(ErrorCode::TimedOut, "no answer in time");
    const bool may_go_on = listen_again(transport, why);
    if (is_settled_ || stop_.stop_requested()) return;
    if (!may_go_on) break;
    failures = has_news_ ? 0 : failures + 1;
  }
  fail_with(ErrorCode::Network, why);
}

// False: there is no use in trying again.
bool Exchange::listen_again(HttpTransport& transport, std::string& why) {
  begin_stream();
  int refused = 0;
  const auto fetched = guarded_fetch(
      transport,
      {.method = "GET",
       .url = link_.url,
       .headers = link_.session.headers_to_listen(last_event_id_),
       .limits = limits_until(deadline_)},
      {.head =
           [&](const HttpHead& head) {
             const bool is_stream = head.status == 200 && media_type(head.value("content-type")) == "text/event-stream";
             if (!is_stream) refused = head.status;
             return is_stream;
           },
       .body =
           [this](std::span<const std::byte> bytes) {
             return take_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
           }},
      stop_.get_token());
  if (fetched.refused_redirect) {
    why = fetched.refused_redirect->message;
    return false;
  }
  if (refused != 0) {
    why = std::format("its event stream ended without the answer, and cannot be taken up again (status {})", refused);
    return refused >= 500;
  }
  if (fetched.result.end == TransferEnd::Hopeless) why = fetched.result.reason;
  return fetched.result.end != TransferEnd::Hopeless;
}

}  // namespace llama::internal
