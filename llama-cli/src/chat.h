// Talk with a model in a terminal, turn after turn.
#pragma once

#include <optional>
#include <string>

#include "console.h"
#include "interrupt.h"
#include "llama-agent/agent_server.h"

namespace llama {

class GenerateTools;
struct GenerateArguments;

struct ChatOptions {
  std::string system;
  std::optional<Message> first;  // said before anything is read
  bool show_thinking = false;
  bool debug = false;
  GenerateTools* tools = nullptr;                // that the model may call
  const GenerateArguments* arguments = nullptr;  // of a chat with tools
};

// Reads standard input: with line editing and a history where it is a terminal, line by line elsewhere. A line that
// begins with a slash is a command. Ctrl-C ends the answer that runs, not the chat.
//
// Returns the exit status.
[[nodiscard]] Step<int> run_chat(AgentServer& server, const GenerationRequest& request, const ChatOptions& options,
                                 Interrupt& interrupt, const Console& console);

}  // namespace llama
