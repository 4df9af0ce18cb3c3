// Calls as LFM2 and LFM2.5 write them, in Python: <|tool_call_start|>[look(at="sky", n=2)]<|tool_call_end|>.
// Source   the templates of LiquidAI/LFM2-8B-A1B and LiquidAI/LFM2.5.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kLfmFormat;

}  // namespace llama::internal
