// A server whose model a test plays.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "llama-agent/agent_server.h"
#include "scripted_decoder.h"

namespace llama {

// As published templates are: what opens a reply is what stands before it in the next turn.
inline constexpr const char* kTemplate =
    "{% for m in messages %}{{ m['role'] }}:{% if m['role'] == 'assistant' %}\x02{% endif %}{{ m['content'] }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:\x02{% endif %}";

class AgentServerTest : public testing::Test {
 protected:
  void start(ScriptedDecoder::Config model = {}, AgentConfig config = {}) {
    auto decoder = std::make_unique<ScriptedDecoder>(std::move(model));
    counts_ = decoder->counts();
    auto chat_template = ChatTemplate::parse({.source = kTemplate});
    ASSERT_TRUE(chat_template) << chat_template.error().message;
    auto server = AgentServer::create(std::move(decoder), std::move(*chat_template), config);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  std::string session_with(std::string text) {
    auto session = server_->create_session();
    EXPECT_TRUE(session);
    EXPECT_TRUE(server_->add_message(session->id, {.content = std::move(text)}));
    return session->id;
  }

  static ErrorCode code_of(const auto& result) { return result ? ErrorCode::Internal : result.error().code; }

  std::shared_ptr<ScriptedDecoder::Counts> counts_;
  std::unique_ptr<AgentServer> server_;
};

inline const auto kShout = [](std::string_view prompt) {
  const std::size_t at = prompt.rfind("user:");
  return "HEARD " + std::string(prompt.substr(at + 5, prompt.find('\n', at) - at - 5));
};

}  // namespace llama
