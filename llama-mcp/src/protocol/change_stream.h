// Be told of changes by a server of the modern era: one `subscriptions/listen`, opened again when it ends.
//
// The request's answer is the stream's end. Its first message says which of the wanted kinds the server will tell of.
// What changed while there was no stream is not told later; so after a gap every wanted list counts as changed.
// Errors   a server that refuses is asked no more, and a log line says so; one that breaks is asked again after a pause
//          (1 s, doubled up to a minute).
// Threads  any; start() once.
// Source   specification 2026-07-28, "Subscriptions"; PyPI mcp 2.3.0, mcp/client/subscriptions.py.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "llama-base/error.h"
#include "protocol/mcp_session.h"

namespace llama::internal {

class ChangeStream {
 public:
  // Which lists to be told of.
  struct Lists {
    bool tools = false, prompts = false, resources = false;
    [[nodiscard]] bool any() const { return tools || prompts || resources; }
  };

  // The session outlives what it calls: it is closed before this ends.
  ChangeStream(McpSession& session, Lists lists) : session_(session), lists_(lists) {}

  void start();
  // Also of this resource. Waits until the server has agreed to it.
  //
  // Errors   InvalidArgument: it does not agree; TimedOut, Cancelled, and what the session says.
  [[nodiscard]] Result<void> add(const std::string& uri, std::chrono::milliseconds limit, const std::stop_token& stop);

 private:
  [[nodiscard]] Result<void> open();  // a new stream, in place of the old one
  void acknowledged(std::uint64_t stream, const nlohmann::ordered_json& honoured);
  void ended(std::uint64_t stream, const RequestFailure* failure);
  void tell_all() const;

  McpSession& session_;
  const Lists lists_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> wanted_, honoured_;
  std::uint64_t stream_ = 0;        // how many were opened: what an older one says is ignored
  std::optional<std::int64_t> id_;  // of the request that is open
  bool is_acknowledged_ = false, had_gap_ = false;
  std::optional<Error> refusal_;
  std::chrono::milliseconds pause_{1'000};
};

}  // namespace llama::internal
