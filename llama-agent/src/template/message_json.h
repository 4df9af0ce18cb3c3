// A message as templates know it: transformers' names, and what this template can do with calls.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "llama-agent/message.h"
#include "tool_capabilities.h"

namespace llama::internal {

// Source: transformers, documentation of chat templates with tools.
[[nodiscard]] nlohmann::ordered_json message_json(const Message& message, const ToolCapabilities& can);

// Systems' messages in front of the first user's text, for a template that knows no system.
[[nodiscard]] std::vector<Message> with_system_in_user(std::span<const Message> messages);

}  // namespace llama::internal
