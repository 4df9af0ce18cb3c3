// Runs whose model a test plays: one text per round, calls as Hermes writes them.
#pragma once

#include <gtest/gtest.h>

#include <format>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent_fixture.h"
#include "llama-agent/agent_run.h"

namespace llama {

// A template with tools; `markers` tell the family, and Hermes' are only there if none are given.
inline std::string tool_template(std::string_view markers) {
  const std::string_view opener = markers.empty() ? "<tool_call>" : "", closer = markers.empty() ? "</tool_call>" : "";
  return std::format(
      "{{# {} #}}{{{{ tools | tojson }}}}{{% for m in messages %}}{{{{ m['role'] }}}}:{{{{ m['content'] }}}}"
      "{{% for c in m['tool_calls'] %}}{}{{{{ c['function'] | tojson }}}}{}{{% endfor %}}{{{{ '\\n' }}}}{{% endfor %}}"
      "{{% if add_generation_prompt %}}assistant:\x02{{% endif %}}",
      markers, opener, closer);
}

inline std::string hermes_call(std::string_view name, std::string_view arguments = "{}") {
  return std::format("<tool_call>\n{{\"name\": \"{}\", \"arguments\": {}}}\n</tool_call>", name, arguments);
}

class AgentRunTest : public AgentServerTest {
 protected:
  // The model's replies, round by round; the last one is said again and again. `prompts` gets what it read.
  void play(std::vector<std::string> replies, ScriptedDecoder::Config model = {}, AgentConfig config = {}) {
    model.context_tokens = 60'000;
    model.batch_tokens = 4096;
    config.context_tokens = 60'000;
    model.reply = [replies = std::move(replies)](std::string_view prompt) {
      std::size_t round = 0;
      for (std::size_t at = prompt.find("\nassistant:"); at != std::string_view::npos;
           at = prompt.find("\nassistant:", at + 1)) {
        ++round;
      }
      return replies[std::min(round - 1, replies.size() - 1)];
    };
    auto chat_template = ChatTemplate::parse({.source = tool_template(markers_)});
    ASSERT_TRUE(chat_template) << chat_template.error().message;
    auto server =
        AgentServer::create(std::make_unique<ScriptedDecoder>(std::move(model)), std::move(*chat_template), config);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    id_ = session_with("question");
    request_ = {.generation = {.session_id = id_, .stopping = {.max_tokens = 2000}},
                .tools = &tools_,
                .approvals = {.mode = ApprovalMode::Always},
                .observer = [this](const RunEvent& event) { events_.push_back(event); }};
  }
  void add(std::string name, ToolFunction function, std::string parameters = {},
           ToolHints hints = {.read_only = true}) {
    const auto added =
        tools_.add({.definition = {.name = std::move(name), .parameters = std::move(parameters), .hints = hints},
                    .function = std::move(function)});
    ASSERT_TRUE(added) << added.error().message;
  }
  RunResponse run() {
    auto response = server_->run(request_);
    EXPECT_TRUE(response) << response.error().message;
    expect_whole_session();
    return response ? std::move(*response) : RunResponse();
  }
  // No call without its result, in order, and the conversation can go on.
  void expect_whole_session() {
    const auto session = server_->get_session(id_);
    ASSERT_TRUE(session);
    const auto& messages = session->messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      for (std::size_t c = 0; c < messages[i].tool_calls.size(); ++c) {
        ASSERT_LT(i + 1 + c, messages.size());
        EXPECT_EQ(messages[i + 1 + c].role, MessageRole::Tool);
        EXPECT_EQ(messages[i + 1 + c].tool_call_id, messages[i].tool_calls[c].id);
      }
    }
  }
  std::vector<std::string> contents(MessageRole role) {
    std::vector<std::string> found;
    for (const auto& message : server_->get_session(id_)->messages) {
      if (message.role == role) found.push_back(message.content);
    }
    return found;
  }
  template <class Event>
  std::vector<Event> told() const {
    std::vector<Event> found;
    for (const auto& event : events_) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    return found;
  }

  ToolSet tools_;
  std::string markers_;  // of a family of models, for its template; "": Hermes
  std::string id_;
  RunRequest request_;
  std::vector<RunEvent> events_;
};

}  // namespace llama
