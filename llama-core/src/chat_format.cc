#include "llama-core/chat_format.h"

#include <llama.h>

#include <cstdint>
#include <exception>

namespace llama {

Result<std::string> apply_chat_format(const std::string& name_or_template, std::span<const ChatTurn> turns,
                                      bool open_reply) {
  std::vector<llama_chat_message> messages;
  std::size_t size = 256;
  for (const auto& turn : turns) {
    messages.push_back({turn.role.c_str(), turn.content.c_str()});
    size += 2 * (turn.role.size() + turn.content.size()) + 64;
  }
  std::string text(size, '\0');
  const auto attempt = [&] {
    return llama_chat_apply_template(name_or_template.c_str(), messages.data(), messages.size(), open_reply,
                                     text.data(), static_cast<std::int32_t>(text.size()));
  };
  std::int32_t length = -1;
  try {
    length = attempt();
    if (std::cmp_greater(length, text.size())) {
      text.resize(static_cast<std::size_t>(length));
      length = attempt();
    }
  } catch (const std::exception&) {
    length = -1;
  }
  if (length < 0) return fail(ErrorCode::InvalidModel, "llama.cpp knows no built-in format for the chat template");
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace llama
