// Write a conversation in one of llama.cpp's built-in formats: pairs of role and content, no tools, no thinking.
//
// Source   llama.h, llama_chat_apply_template: it looks for substrings of a template, it does not read Jinja.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct ChatTurn {
  std::string role, content;
};

// Errors   InvalidModel: llama.cpp recognizes neither the name nor the template.
[[nodiscard]] Result<std::string> apply_chat_format(const std::string& name_or_template,
                                                    std::span<const ChatTurn> turns, bool open_reply);

}  // namespace llama
