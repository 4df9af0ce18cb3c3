#include "protocol/mcp_session.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr int kMaxExtension = 10;  // what progress may make of a time limit
constexpr std::chrono::hours kStreamTime{24 * 365};
constexpr std::size_t kShownWords = 300;  // bytes of the server's last words in a message

RequestFailure failure_of(RequestFailure::End end, Error error) { return {.end = end, .error = std::move(error)}; }

std::string seconds(std::chrono::milliseconds time) {
  return std::format("{:g} s", static_cast<double>(time.count()) / 1e3);
}

}  // namespace

McpSession::McpSession(const McpServerConfig& config, McpHandlers handlers, std::unique_ptr<McpChannel> channel)
    : name_(config.name),
      secrets_(config),
      channel_(std::move(channel)),
      events_(handlers),
      questions_(std::move(handlers.ask)) {}

Result<void> McpSession::open(const std::stop_token& stop) {
  if (auto opened = channel_->open(*this, stop); !opened) return std::unexpected(named(std::move(opened.error())));
  return {};
}

Error McpSession::named(Error error) const {
  error.message = std::format("server '{}': {}", name_, secrets_(one_line(error.message)));
  return error;
}

std::string McpSession::last_words() const { return secrets_(channel_->last_words()); }

McpHealth McpSession::health() const {
  McpHealth health;
  {
    const std::scoped_lock lock(mutex_);
    health.state = end_ ? McpState::Ended : McpState::Connected;
    if (end_) health.reason = end_->message;
    for (const auto& [id, pending] : pending_) health.pending += pending->stream ? 0 : 1;
  }
  health.stray_lines = stray_ + channel_->stray_lines();
  return health;
}

void McpSession::remark(std::string text) {
  events_.log({.level = "warning", .logger = "client", .text = secrets_(std::move(text))});
}

void McpSession::remark(std::string_view what, const Error& why) {
  const std::string name = std::format("server '{}': ", name_);
  const std::string_view words = why.message;
  remark(std::format("{}: {}", what, words.starts_with(name) ? words.substr(name.size()) : words));
}

void McpSession::set_stamp(nlohmann::ordered_json stamp) {
  const std::scoped_lock lock(mutex_);
  stamp_ = std::move(stamp);
}

void McpSession::agree(std::string_view revision, McpEra era) {
  channel_->set_session(revision, era);
  const std::scoped_lock lock(mutex_);
  era_ = era;
}

void McpSession::stamp(nlohmann::ordered_json& params) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [key, value] : stamp_.items()) params["_meta"][key] = value;
}

Result<std::int64_t> McpSession::begin(const std::shared_ptr<Pending>& pending) {
  const std::scoped_lock lock(mutex_);
  if (end_) return std::unexpected(*end_);
  pending_.emplace(++last_id_, pending);
  return last_id_;
}

Result<void> McpSession::send_request(std::int64_t id, const std::string& method, nlohmann::ordered_json params,
                                      const std::string& name, bool has_progress, Clock::time_point latest,
                                      const std::stop_token& stop) {
  stamp(params);
  if (has_progress) params["_meta"]["progressToken"] = id;
  return channel_->send(
      {.json = rpc_request(id, method, params), .id = std::to_string(id), .method = method, .name = name}, latest,
      stop);
}

RequestResult McpSession::request(const std::string& method, nlohmann::ordered_json params,
                                  const RequestOptions& options, const std::stop_token& stop) {
  using End = RequestFailure::End;
  const auto start = Clock::now();
  const auto pending = std::make_shared<Pending>();
  pending->limit = options.limit;
  pending->wants_news = static_cast<bool>(options.progress);
  pending->deadline = start + options.limit;
  pending->latest = start + options.limit * kMaxExtension;
  const auto begun = begin(pending);
  if (!begun) {
    const End end = begun.error().code == ErrorCode::Cancelled ? End::Cancelled : End::Ended;
    return std::unexpected(failure_of(end, begun.error()));
  }
  const std::int64_t id = *begun;
  const bool has_progress = options.has_progress || options.progress;
  // While a person is asked nobody's time runs: an hour more for that.
  auto sent = send_request(id, method, std::move(params), options.name, has_progress,
                           pending->latest + std::chrono::hours(1), stop);
  std::unique_lock lock(mutex_);
  if (!sent && !pending->outcome) {
    pending_.erase(id);
    return std::unexpected(failure_of(End::Failed, named(std::move(sent.error()))));
  }
  while (true) {
    if (pending->news) {
      const McpProgress news = *std::exchange(pending->news, std::nullopt);
      lock.unlock();
      options.progress(news);
      lock.lock();
      continue;
    }
    if (pending->outcome) {
      pending_.erase(id);
      return std::move(*pending->outcome);
    }
    const bool is_stopped = stop.stop_requested();
    if (is_stopped || (paused_ == 0 && Clock::now() >= pending->deadline)) {
      pending_.erase(id);
      lock.unlock();
      give_up(id, options.is_cancellable, is_stopped ? "cancelled" : "timed out");
      if (is_stopped)
        return std::unexpected(failure_of(End::Cancelled, named({ErrorCode::Cancelled, method + ": cancelled"})));
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(pending->deadline - start);
      return std::unexpected(
          failure_of(End::TimedOut,
                     named({ErrorCode::TimedOut, std::format("no answer to '{}' within {}", method, seconds(took))})));
    }
    const auto resumed = resumed_;
    changed_.wait_until(lock, stop, paused_ > 0 ? Clock::now() + std::chrono::hours(1) : pending->deadline, [&] {
      return pending->outcome.has_value() || pending->news.has_value() || resumed != resumed_;
    });
  }
}

Result<void> McpSession::notify(const std::string& method, nlohmann::ordered_json params) {
  stamp(params);
  auto sent = channel_->send({.json = rpc_notification(method, params), .method = method},
                             Clock::now() + std::chrono::minutes(1), {});
  if (!sent) return std::unexpected(named(std::move(sent.error())));
  return {};
}

Result<std::int64_t> McpSession::begin_stream(const std::string& method, nlohmann::ordered_json params,
                                              StreamReceiver receiver) {
  const auto pending = std::make_shared<Pending>();
  pending->deadline = pending->latest = Clock::now() + kStreamTime;
  pending->stream = std::move(receiver);
  auto id = begin(pending);
  if (!id) return id;
  if (auto sent = send_request(*id, method, std::move(params), "", false, pending->latest, {}); !sent) {
    const std::scoped_lock lock(mutex_);
    pending_.erase(*id);
    return std::unexpected(named(std::move(sent.error())));
  }
  return id;
}

void McpSession::end_stream(std::int64_t id) {
  {
    const std::scoped_lock lock(mutex_);
    if (pending_.erase(id) == 0) return;
  }
  give_up(id, true, "no longer needed");
}

void McpSession::give_up(std::int64_t id, bool is_cancellable, std::string_view reason) {
  McpEra era = McpEra::Older;
  {
    const std::scoped_lock lock(mutex_);
    era = era_;
  }
  channel_->abandon(std::to_string(id));
  if (!is_cancellable || !channel_->is_cancelled_by_message(era)) return;
  (void)notify("notifications/cancelled", {{"requestId", id}, {"reason", reason}});
}

void McpSession::settle(std::int64_t id, RequestResult outcome) {
  const std::scoped_lock lock(mutex_);
  const auto found = pending_.find(id);
  if (found == pending_.end() || found->second->outcome) return;  // nobody waits for it any more
  if (found->second->stream) {
    const auto receiver = std::move(*found->second->stream);
    pending_.erase(found);
    events_.after({}, [receiver, outcome = std::move(outcome)](const std::stop_token&) {
      receiver.ended(outcome ? nullptr : &outcome.error());
    });
    return;
  }
  found->second->outcome = std::move(outcome);
  changed_.notify_all();
}

void McpSession::settle_all(const RequestFailure& failure) {
  std::vector<std::int64_t> ids;
  {
    const std::scoped_lock lock(mutex_);
    if (!end_) end_ = failure.error;
    for (const auto& [id, pending] : pending_) ids.push_back(id);
  }
  for (const auto id : ids) settle(id, std::unexpected(failure));
}

void McpSession::pause_time(bool is_paused) {
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  paused_ += is_paused ? 1 : -1;
  if (is_paused) {
    if (paused_ == 1) paused_since_ = now;
    return;
  }
  if (paused_ > 0) return;
  for (const auto& [id, pending] : pending_) {
    pending->deadline += now - paused_since_;
    pending->latest += now - paused_since_;
  }
  ++resumed_;
  changed_.notify_all();
}

void McpSession::ended(Error error) {
  const std::string words = one_line(last_words());
  if (!words.empty()) error.message += std::format("; it wrote last: {}", last_part(words, kShownWords));
  settle_all(failure_of(RequestFailure::End::Ended, named(std::move(error))));
  questions_.withdraw_all();
}

void McpSession::close() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(is_closed_, true)) return;
  }
  settle_all(failure_of(RequestFailure::End::Cancelled, named({ErrorCode::Cancelled, "closed"})));
  questions_.withdraw_all();
  channel_->close();
  events_.stop();
}

}  // namespace llama::internal
