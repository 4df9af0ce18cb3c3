#include "message_json.h"
#include "llama-base/json_shape.h"

#include <nlohmann/json.hpp>
#include <string>

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

// As a text where they are no object, or one that would take too long or too deep a stack.
Json arguments_of(const std::string& text) {
  if (!is_bounded_json(text)) return text;
  Json value = Json::parse(text, nullptr, false);
  return value.is_object() ? value : Json(text);
}

}  // namespace

Json message_json(const Message& message, const ToolCapabilities& can) {
  Json object{{"role", to_string(message.role)}, {"content", message.content}};
  if (can.null_content && message.content.empty() && !message.tool_calls.empty()) object["content"] = nullptr;
  if (!message.thinking.empty()) object["reasoning_content"] = message.thinking;
  for (const auto& call : message.tool_calls) {
    object["tool_calls"].push_back(
        {{"type", "function"},
         {"id", call.id},
         {"function",
          {{"name", call.name},
           {"arguments", can.text_arguments ? Json(call.arguments.empty() ? "{}" : call.arguments)
                                            : arguments_of(call.arguments)}}}});
  }
  if (message.tool_call_id) object["tool_call_id"] = *message.tool_call_id;
  if (message.tool_name) object["name"] = *message.tool_name;
  return object;
}

std::vector<Message> with_system_in_user(std::span<const Message> messages) {
  std::string system;
  std::vector<Message> merged;
  bool found_user = false;
  for (const auto& message : messages) {
    if (message.role == MessageRole::System && !found_user) {
      system += (system.empty() ? "" : "\n") + message.content;
      continue;
    }
    merged.push_back(message);
    if (message.role == MessageRole::User && !found_user) {
      found_user = true;
      if (!system.empty()) merged.back().content = system + "\n\n" + message.content;
    }
  }
  return merged;
}

}  // namespace llama::internal
