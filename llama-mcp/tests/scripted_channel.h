// A channel to a server in memory: what it is sent goes to a function, what that returns comes back.
//
// Threads  the function is called on the sender's thread under a lock; answers come on a thread of the channel's own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "channel.h"

namespace llama::internal {

// What the server saw, and how the test makes it speak unasked.
class ScriptedServer {
 public:
  using Script = std::function<std::vector<nlohmann::ordered_json>(const nlohmann::ordered_json& message)>;
  explicit ScriptedServer(Script script) : script_(std::move(script)) {}

  void say(const std::string& text);
  void say(const nlohmann::ordered_json& message) { say(message.dump()); }
  void fail(const std::string& id, Error error);
  void lose_session(const std::string& id);
  void end(Error error);
  // Messages with this method that came so far; "": answers.
  [[nodiscard]] std::vector<nlohmann::ordered_json> seen(const std::string& method) const;
  // Waits until as many have come.
  [[nodiscard]] std::vector<nlohmann::ordered_json> wait_for(const std::string& method, std::size_t count) const;
  [[nodiscard]] std::vector<std::string> abandoned() const;
  [[nodiscard]] std::string revision() const;

  int opened = 0;
  bool tells_cancellation = true;

 private:
  friend class ScriptedChannel;
  using Event = std::function<void(ChannelReceiver&)>;
  void push(Event event);

  Script script_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Event> events_;
  std::vector<nlohmann::ordered_json> seen_;
  std::vector<std::string> abandoned_;
  std::string revision_;
  bool is_closed_ = false;
};

class ScriptedChannel final : public McpChannel {
 public:
  explicit ScriptedChannel(std::shared_ptr<ScriptedServer> server) : server_(std::move(server)) {}
  ~ScriptedChannel() override { close(); }

  [[nodiscard]] Result<void> open(ChannelReceiver& receiver, const std::stop_token& stop) override;
  [[nodiscard]] Result<void> send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) override;
  void abandon(std::string_view id) override;
  void set_session(std::string_view revision, McpEra era) override;
  void close() override;
  [[nodiscard]] bool is_cancelled_by_message(McpEra era) const override {
    return (void)era, server_->tells_cancellation;
  }

 private:
  std::shared_ptr<ScriptedServer> server_;
  std::jthread thread_;
};

[[nodiscard]] nlohmann::ordered_json result_for(const nlohmann::ordered_json& request, nlohmann::ordered_json result);
[[nodiscard]] nlohmann::ordered_json error_for(const nlohmann::ordered_json& request, int code,
                                               nlohmann::ordered_json data = nullptr);

}  // namespace llama::internal
