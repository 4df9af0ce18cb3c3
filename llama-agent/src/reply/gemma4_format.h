// Calls as Gemma 4 writes them: <|tool_call>call:look{at:<|"|>sky<|"|>,n:2}<tool_call|>.
// Source   the template of google/gemma-4-31B-it.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kGemma4Format;

}  // namespace llama::internal
