// A part of a prompt: the template's own text, or text from outside, of a message, a thought, a call of a tool, its
// result, a tool's definition.
#pragma once

#include <span>
#include <string>

namespace llama {

struct PromptPiece {
  std::string text;
  bool from_caller = false;  // what looks like a special token in it is plain text
};

[[nodiscard]] std::string joined(std::span<const PromptPiece> pieces);

}  // namespace llama
