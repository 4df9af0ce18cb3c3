// For models whose template knows no tools: a whole reply is {"tool_call": {"name": …, "arguments": …}}, a list of such
// calls in {"tool_calls": […]}, or {"response": "…"}; other text is the answer. A call between <tool_call> markers is
// read too, as SmolLM2 and others write it when a prompt asks for that.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kGenericFormat;

}  // namespace llama::internal
