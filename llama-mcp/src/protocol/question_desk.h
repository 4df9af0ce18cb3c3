// Put a server's questions to the person, one at a time, whoever's thread they come up on.
//
// In the older era a question is a request of the server's, in the modern one it stands in a result. Both have the same
// words: `elicitation/create` with a message, and a schema of the answer or an address to open.
// Source   specification, "Client features", "Elicitation"; PyPI mcp-types 2.3.0, ElicitRequestFormParams,
//          ElicitResult.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "llama-mcp/mcp_client.h"

namespace llama::internal {

class QuestionDesk {
 public:
  using Ask = std::function<McpReply(const McpQuestion&, const std::stop_token&)>;
  explicit QuestionDesk(Ask ask) : ask_(std::move(ask)) {}

  // What the server is told that we can be asked: {} where nobody is there to answer.
  [[nodiscard]] nlohmann::ordered_json capabilities() const;
  // The result of `elicitation/create`. Waits for other questions. A stop, or a withdrawal, reads as "cancel".
  [[nodiscard]] nlohmann::ordered_json answer(const nlohmann::ordered_json& params, const std::stop_token& stop);

  // Of the older era: the server's request with this number, which it may take back.
  [[nodiscard]] std::stop_token open(const std::string& id);
  void withdraw(const std::string& id);
  void forget(const std::string& id);
  void withdraw_all();

 private:
  Ask ask_;
  std::recursive_timed_mutex asking_;  // recursive: a handler may make a call that asks
  std::mutex mutex_;
  std::map<std::string, std::stop_source> open_;
  bool is_closed_ = false;
};

}  // namespace llama::internal
