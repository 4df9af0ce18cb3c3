// Calls as Hermes, Qwen2.5, Qwen3, Granite 4 and SmolLM3 write them: <tool_call>{"name": …, "arguments": …}</tool_call>
//
// What models get wrong is read all the same: no line break behind the opener, a fence around the object, several
// objects in a list, no opener at the beginning of a reply, no closer at its end. What is no call after all is text.
// Source   the templates of NousResearch/Hermes-2-Pro, Qwen/Qwen3, ibm-granite/granite-4.0, HuggingFaceTB/SmolLM3.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kHermesFormat;

}  // namespace llama::internal
