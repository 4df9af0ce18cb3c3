#include "protocol/question_desk.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"

namespace llama::internal {

nlohmann::ordered_json QuestionDesk::capabilities() const {
  nlohmann::ordered_json offered = nlohmann::ordered_json::object();
  if (ask_)
    offered["elicitation"] = {{"form", nlohmann::ordered_json::object()}, {"url", nlohmann::ordered_json::object()}};
  return offered;
}

nlohmann::ordered_json QuestionDesk::answer(const nlohmann::ordered_json& params, const std::stop_token& stop) {
  if (!ask_) return {{"action", "decline"}};
  McpQuestion question{.message = text_member(params, "message"), .schema = {}, .url = text_member(params, "url")};
  if (const auto& schema = member(params, "requestedSchema"); schema.is_object()) question.schema = to_text(schema);
  while (!asking_.try_lock_for(std::chrono::milliseconds(50))) {
    if (stop.stop_requested()) return {{"action", "cancel"}};
  }
  const std::unique_lock lock(asking_, std::adopt_lock);
  if (stop.stop_requested()) return {{"action", "cancel"}};
  McpReply reply{.action = McpReply::Action::Cancel};
  try {
    reply = ask_(question, stop);
  } catch (...) {  // NOLINT(bugprone-empty-catch): whoever asks has failed, the server must not wait for it
  }
  if (reply.action != McpReply::Action::Accept || stop.stop_requested()) {
    return {{"action", reply.action == McpReply::Action::Decline ? "decline" : "cancel"}};
  }
  nlohmann::ordered_json result{{"action", "accept"}};
  if (!question.url.empty()) return result;
  // An answer that is no object is nothing that the server could use, and not what the person meant to send.
  auto content = parse_object("the answer", reply.content);
  if (!content) return {{"action", "cancel"}};
  result["content"] = std::move(*content);
  return result;
}

std::stop_token QuestionDesk::open(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  auto& source = open_[id];
  if (is_closed_) source.request_stop();
  return source.get_token();
}

void QuestionDesk::withdraw(const std::string& id) {
  std::stop_source source{std::nostopstate};
  {
    const std::scoped_lock lock(mutex_);
    const auto found = open_.find(id);
    if (found != open_.end()) source = found->second;
  }
  source.request_stop();
}

void QuestionDesk::forget(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  open_.erase(id);
}

void QuestionDesk::withdraw_all() {
  std::map<std::string, std::stop_source> open;
  {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    open = open_;
  }
  for (auto& [id, source] : open) source.request_stop();
}

}  // namespace llama::internal
