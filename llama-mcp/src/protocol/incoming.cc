// What a server sends: McpSession's side of the channel.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/message_head.h"
#include "protocol/mcp_json.h"
#include "protocol/mcp_session.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxLogBytes = std::size_t{16} << 10, kMaxLabelBytes = 100, kShownRefusal = 500;
constexpr const char* kSubscriptionId = "io.modelcontextprotocol/subscriptionId";

std::optional<std::int64_t> number_of(std::string_view id) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return {};
  return number;
}

ErrorCode code_of(int rpc_code) {
  switch (rpc_code) {
    case kInvalidRequest:
    case kMethodNotFound:
    case kInvalidParams:
    case kMissingClientCapability:
    case kUnsupportedRevision:
      return ErrorCode::InvalidArgument;
    default:
      return ErrorCode::Network;
  }
}

}  // namespace

void McpSession::message(std::string_view json) {
  auto parsed = parse_mcp_json(json);
  if (!parsed) return refuse(json, parsed.error());
  // The revision 2025-03-26 had batches.
  if (parsed->is_array()) {
    for (auto& each : *parsed) take(read_rpc(std::move(each)));
  } else {
    take(read_rpc(std::move(*parsed)));
  }
}

// Whoever waits for an answer that cannot be read is told, and does not wait until the time is up.
void McpSession::refuse(std::string_view json, const Error& reason) {
  const MessageHead head = read_message_head(json);
  if (head.is_answer && head.has_id) return failed(head.id, {ErrorCode::Network, "it sent " + reason.message});
  ++stray_;
}

void McpSession::take(RpcMessage message) {
  switch (message.kind) {
    case RpcMessage::Kind::Request:
      return take_request(message);
    case RpcMessage::Kind::Notification:
      return take_notification(message);
    case RpcMessage::Kind::Answer:
      return take_answer(std::move(message));
    case RpcMessage::Kind::Stray:
      ++stray_;
  }
}

std::optional<std::int64_t> McpSession::only_request() const {
  std::optional<std::int64_t> only;
  for (const auto& [id, pending] : pending_) {
    if (pending->stream || pending->outcome) continue;
    if (only) return {};
    only = id;
  }
  return only;
}

void McpSession::take_answer(RpcMessage message) {
  std::optional<std::int64_t> id;
  if (message.id.is_number_integer()) id = message.id.get<std::int64_t>();
  if (message.id.is_null()) {
    // The server could not read which request it refuses: it is that of the only one there is.
    const std::scoped_lock lock(mutex_);
    id = only_request();
  }
  if (!id) {
    ++stray_;
    return;
  }
  if (!message.is_error) return settle(*id, std::move(message.result));
  RequestFailure refused{.end = RequestFailure::End::Refused,
                         .error = {},
                         .code = message.error_code,
                         .message = secrets_(std::move(message.error_message)),
                         .data = std::move(message.error_data)};
  refused.error = named({code_of(message.error_code),
                         std::format("{} (error {})", first_part(refused.message, kShownRefusal), message.error_code)});
  settle(*id, std::unexpected(std::move(refused)));
}

void McpSession::send_answer(std::string json) {
  // A server that does not read its answers has itself to blame: there is nobody to tell.
  (void)channel_->send({.json = std::move(json)}, Clock::now() + std::chrono::minutes(1), {});
}

void McpSession::take_request(const RpcMessage& message) {
  if (message.method == "ping") return send_answer(rpc_result(message.id, nlohmann::ordered_json::object()));
  if (message.method != "elicitation/create") {
    return send_answer(rpc_error(message.id, kMethodNotFound, "Method not found"));
  }
  const std::string key = to_text(message.id);
  const std::stop_token withdrawn = questions_.open(key);
  const bool is_taken =
      events_.post([this, key, withdrawn, id = message.id, params = message.params](const std::stop_token& stop) {
        std::stop_source either;
        const auto end = [&] { either.request_stop(); };
        const std::stop_callback on_stop(stop, end), on_withdrawal(withdrawn, end);
        pause_time(true);
        nlohmann::ordered_json answer = questions_.answer(params, either.get_token());
        pause_time(false);
        questions_.forget(key);
        if (!withdrawn.stop_requested()) send_answer(rpc_result(id, answer));
      });
  if (is_taken) return;
  questions_.forget(key);
  send_answer(rpc_error(message.id, kRpcInternalError, "Too many questions at once"));
}

void McpSession::take_notification(const RpcMessage& message) {
  const auto& method = message.method;
  const auto& params = message.params;
  if (method == "notifications/progress") return take_progress(params);
  if (method == "notifications/tools/list_changed") return events_.changed(EventThread::Change::Tools);
  if (method == "notifications/prompts/list_changed") return events_.changed(EventThread::Change::Prompts);
  if (method == "notifications/resources/list_changed") return events_.changed(EventThread::Change::Resources);
  if (method == "notifications/resources/updated") return events_.updated(text_member(params, "uri"));
  if (method == "notifications/cancelled") return questions_.withdraw(to_text(member(params, "requestId")));
  if (method == "notifications/message") {
    const auto& data = member(params, "data");
    const std::string text = data.is_string() ? data.get<std::string>() : to_text(data);
    const auto label = [&](const char* key) {
      return secrets_(first_part(one_line(text_member(params, key)), kMaxLabelBytes));
    };
    return events_.log(
        {.level = label("level"), .logger = label("logger"), .text = secrets_(first_part(text, kMaxLogBytes))});
  }
  if (method == "notifications/subscriptions/acknowledged") {
    const auto id = integer_member(object_member(params, "_meta"), kSubscriptionId);
    const std::scoped_lock lock(mutex_);
    const auto found = id ? pending_.find(*id) : pending_.end();
    if (found == pending_.end() || !found->second->stream) return;
    events_.after({}, [told = found->second->stream->acknowledged,
                       honoured = object_member(params, "notifications")](const std::stop_token&) { told(honoured); });
  }
}

void McpSession::take_progress(const nlohmann::ordered_json& params) {
  const auto id = integer_member(params, "progressToken");
  const auto progress = number_member(params, "progress");
  if (!id || !progress || !std::isfinite(*progress)) return;
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  const auto found = pending_.find(*id);
  if (found == pending_.end() || found->second->stream) return;
  auto& pending = *found->second;
  pending.deadline = std::max(pending.deadline, std::min(now + pending.limit, pending.latest));
  if (!pending.wants_news) return;
  pending.news = McpProgress{*progress, number_member(params, "total"), secrets_(text_member(params, "message"))};
  changed_.notify_all();
}

void McpSession::failed(std::string_view id, Error error) {
  std::optional<std::int64_t> number = number_of(id);
  if (id.empty()) {
    const std::scoped_lock lock(mutex_);
    number = only_request();
  }
  if (!number) {
    ++stray_;
    return;
  }
  settle(*number,
         std::unexpected(RequestFailure{.end = RequestFailure::End::Failed, .error = named(std::move(error))}));
}

void McpSession::session_lost(std::string_view id) {
  const auto number = number_of(id);
  if (!number) return;
  settle(*number,
         std::unexpected(RequestFailure{.end = RequestFailure::End::SessionLost,
                                        .error = named({ErrorCode::Network, "it no longer knows the session"})}));
}

}  // namespace llama::internal
