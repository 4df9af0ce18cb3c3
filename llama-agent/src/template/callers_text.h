// Tell the words of a caller from a template's own in a prompt that was rendered.
//
// The template writes the conversation twice: once as it is, once with words that nobody can guess in place of the
// callers' texts. Where both are the same but for those words, they show what is whose.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/prompt_piece.h"

namespace llama::internal {

// What stands in for the text number `i`: letters that no template looks at.
[[nodiscard]] std::string placeholder(std::size_t i);

struct CallersText {
  std::string word, text;  // the placeholder of this text's number, and the text
};

// The pieces of `plain`, as `marked` tells them apart; one behind the other they are `plain`. A template may trim a text.
// Where it changes one in another way, the texts are looked for in what it wrote.
[[nodiscard]] std::vector<PromptPiece> callers_pieces(std::string_view plain, std::string_view marked,
                                                      std::span<const CallersText> texts);

}  // namespace llama::internal
