#include "llama-agent/message.h"

#include <format>

namespace llama {

std::string_view to_string(MessageRole role) {
  switch (role) {
    case MessageRole::System:
      return "system";
    case MessageRole::User:
      return "user";
    case MessageRole::Assistant:
      return "assistant";
    case MessageRole::Tool:
      return "tool";
  }
  return "user";
}

Result<MessageRole> parse_message_role(std::string_view name) {
  for (const auto role : {MessageRole::System, MessageRole::User, MessageRole::Assistant, MessageRole::Tool}) {
    if (name == to_string(role)) return role;
  }
  return fail(ErrorCode::InvalidArgument,
              std::format("'{}' is no role of a message: system, user, assistant or tool", name));
}

}  // namespace llama
