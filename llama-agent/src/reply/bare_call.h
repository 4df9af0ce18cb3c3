// Does a text begin with a call whose opener the model left out?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

enum class Bare { No, Maybe, Yes };  // Maybe: more of the text is needed

// Such a call is a JSON object that begins with the name of a tool that exists, maybe after {"type": "function", and
// maybe in a list or a fence. Other JSON is an answer, and so is what has more than 256 bytes of white space between
// two words.
// Cost     the words of one beginning; a text that begins otherwise is told at its first character.
[[nodiscard]] Bare is_bare_call(std::string_view text, const std::vector<std::string>& tools);

}  // namespace llama::internal
