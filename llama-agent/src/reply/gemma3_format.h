// Calls as Gemma 3 writes them where a prompt asks for it: [look(at="sky")], a block ```tool_code, or JSON.
//
// No template is recognized by it: what a template does not say, the prompt says, and chat_template.cc describes tools
// in Hermes' form. A caller whose prompt asks for these forms chooses this one by its name.
// Source   Google's pages on function calling with Gemma 3, and the cookbook's tool_code.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kGemma3Format;

}  // namespace llama::internal
