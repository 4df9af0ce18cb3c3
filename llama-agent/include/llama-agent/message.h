// One turn of a conversation: who said what.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

enum class MessageRole { System, User, Assistant, Tool };

[[nodiscard]] std::string_view to_string(MessageRole role);  // "system", "user", "assistant", "tool"
// Errors   InvalidArgument for any other name.
[[nodiscard]] Result<MessageRole> parse_message_role(std::string_view name);

// A tool that the model asked for, in an assistant's message.
struct ToolCall {
  std::string id{};
  std::string name{};
  std::string arguments{};  // a JSON object, as text
};

struct Message {
  MessageRole role = MessageRole::User;
  std::string content{};                      // UTF-8
  std::string thinking{};                     // what an assistant thought before it answered; "" where it did not
  std::vector<ToolCall> tool_calls{};         // of an assistant
  std::optional<std::string> tool_call_id{};  // of a tool's result: the call that it answers
  std::optional<std::string> tool_name{};     // of a tool's result
  std::chrono::system_clock::time_point timestamp = std::chrono::system_clock::now();
};

}  // namespace llama
