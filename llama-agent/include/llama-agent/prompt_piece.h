// A part of a prompt: the template's own text, or a caller's.
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
