// Ask a server and get its answers: JSON-RPC over a channel, with a time limit for each request.
//
// Any number of requests are under way at once; each has a number, and a message is the answer to a request if it has
// that number and no method. Each caller waits on its own thread and keeps its own time: no thread is needed for
// timers. What a server asks of us is answered here: ping at once, a question on the thread of the handlers, all else
// with "method not found", never with silence.
//
//   caller ── request() ──► channel.send()                     the channel's thread
//      │ waits: outcome, progress, stop, deadline                message() ── answer ──► the caller that waits
//      ▼                                                                   ── request ─► an answer, or a question
//   outcome, or notifications/cancelled                                    ── notification ─► EventThread
//
// A deadline moves: progress puts it off by the limit again, to ten times the limit in all; while a person is asked
// something, nobody's time runs.
// Errors   RequestFailure says how a request ended; its Error has the server's name before it.
// Threads  any. Progress is told on the caller's thread.
// Cost     an answer is found by its number; it wakes all callers that wait, for a look each.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "channel.h"
#include "llama-base/error.h"
#include "llama-mcp/mcp_client.h"
#include "protocol/event_thread.h"
#include "protocol/json_rpc.h"
#include "protocol/question_desk.h"
#include "protocol/secret_filter.h"

namespace llama::internal {

struct RequestFailure {
  enum class End { Refused, Failed, TimedOut, Cancelled, SessionLost, Ended };
  End end = End::Failed;
  Error error{};
  int code = 0;                   // of Refused: JSON-RPC's
  std::string message{};          // of Refused: the server's own words
  nlohmann::ordered_json data{};  // of Refused
};
using RequestResult = std::expected<nlohmann::ordered_json, RequestFailure>;

struct RequestOptions {
  std::string name{};  // the tool, prompt or URI
  std::chrono::milliseconds limit{60'000};
  bool is_cancellable = true;  // `initialize` and `server/discover` are not
  bool has_progress = false;   // the server may tell of its progress
  std::function<void(const McpProgress&)> progress{};
};

// What a stream of changes tells (`subscriptions/listen`): its first message, and its end. On the thread of the
// handlers.
struct StreamReceiver {
  std::function<void(const nlohmann::ordered_json& honoured)> acknowledged;
  std::function<void(const RequestFailure* failure)> ended;  // nullptr: the server ended it as it should
};

class McpSession final : public ChannelReceiver {
 public:
  McpSession(const McpServerConfig& config, McpHandlers handlers, std::unique_ptr<McpChannel> channel);
  ~McpSession() override { close(); }
  McpSession(const McpSession&) = delete;
  McpSession& operator=(const McpSession&) = delete;

  [[nodiscard]] Result<void> open(const std::stop_token& stop);
  [[nodiscard]] RequestResult request(const std::string& method, nlohmann::ordered_json params,
                                      const RequestOptions& options, const std::stop_token& stop);
  [[nodiscard]] Result<void> notify(const std::string& method,
                                    nlohmann::ordered_json params = nlohmann::ordered_json::object());
  // A request whose answer is its end, perhaps hours later. Its number, for end_stream().
  [[nodiscard]] Result<std::int64_t> begin_stream(const std::string& method, nlohmann::ordered_json params,
                                                  StreamReceiver receiver);
  void end_stream(std::int64_t id);

  // What every request's and notification's _meta has from now on, besides the number for progress.
  void set_stamp(nlohmann::ordered_json stamp);
  void agree(std::string_view revision, McpEra era);
  [[nodiscard]] McpChannel& channel() { return *channel_; }
  [[nodiscard]] EventThread& events() { return events_; }
  [[nodiscard]] QuestionDesk& questions() { return questions_; }
  void remark(std::string text);  // a line of our own for the log
  // "what: why". A log line is told with its server, so the error's message goes without the name.
  void remark(std::string_view what, const Error& why);

  [[nodiscard]] Error named(Error error) const;  // with the server's name, without secrets
  [[nodiscard]] std::string last_words() const;  // without secrets
  [[nodiscard]] McpHealth health() const;
  void close();  // what waits ends with Cancelled

  void message(std::string_view json) override;
  void failed(std::string_view id, Error error) override;
  void session_lost(std::string_view id) override;
  void ended(Error error) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    std::chrono::milliseconds limit{};
    Clock::time_point deadline{}, latest{};
    std::optional<RequestResult> outcome{};
    bool wants_news = false;
    std::optional<McpProgress> news{};
    std::optional<StreamReceiver> stream{};
  };

  [[nodiscard]] Result<std::int64_t> begin(const std::shared_ptr<Pending>& pending);
  [[nodiscard]] Result<void> send_request(std::int64_t id, const std::string& method, nlohmann::ordered_json params,
                                          const std::string& name, bool has_progress, Clock::time_point latest,
                                          const std::stop_token& stop);
  void stamp(nlohmann::ordered_json& params) const;
  void send_answer(std::string json);
  void give_up(std::int64_t id, bool is_cancellable, std::string_view reason);
  void settle(std::int64_t id, RequestResult outcome);
  void settle_all(const RequestFailure& failure);
  void refuse(std::string_view json, const Error& reason);
  void take(RpcMessage message);
  void take_answer(RpcMessage message);
  void take_request(const RpcMessage& message);
  void take_notification(const RpcMessage& message);
  void take_progress(const nlohmann::ordered_json& params);
  [[nodiscard]] std::optional<std::int64_t> only_request() const;  // requires the lock
  void pause_time(bool is_paused);

  const std::string name_;
  const SecretFilter secrets_;
  const std::unique_ptr<McpChannel> channel_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::int64_t, std::shared_ptr<Pending>> pending_;
  std::int64_t last_id_ = 0;
  std::optional<Error> end_;
  bool is_closed_ = false;
  nlohmann::ordered_json stamp_ = nlohmann::ordered_json::object();
  McpEra era_ = McpEra::Older;
  int paused_ = 0;
  std::uint64_t resumed_ = 0;  // how often time went on again
  Clock::time_point paused_since_{};
  std::atomic<std::uint64_t> stray_{0};
  EventThread events_;
  QuestionDesk questions_;
};

}  // namespace llama::internal
