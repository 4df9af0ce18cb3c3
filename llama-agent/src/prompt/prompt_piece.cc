#include "llama-agent/prompt_piece.h"

namespace llama {

std::string joined(std::span<const PromptPiece> pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece.text;
  return text;
}

}  // namespace llama
