// Find out what a chat template makes of tools, by trying it.
//
// Templates differ in what they show (definitions, calls, results), in what they want (arguments as an object or as
// text, ids of nine letters) and in what they object to (two calls in one message). Looking for words in the source
// does not tell; a rendering of words that nobody else uses does.
// Cost     at most 11 renderings of a conversation of three to five short messages.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "llama-base/error.h"

namespace llama::internal {

struct ToolCapabilities {
  bool tools = false;           // definitions are shown
  bool calls = false;           // so are an assistant's calls, name and arguments,
  bool results = false;         // and a message of the role "tool"
  bool several_calls = false;   // of one message
  bool text_arguments = false;  // an object would be written as Python writes it, or not at all
  bool null_content = false;    // a message that has calls must have no content
  bool ids_of_nine = false;     // other ids are objected to: nine letters and digits
};

// write: renders a template's variables; those that are always there ("bos_token", …) it adds itself.
[[nodiscard]] ToolCapabilities probe_tools(
    const std::function<Result<std::string>(const nlohmann::ordered_json& variables)>& write);

}  // namespace llama::internal
