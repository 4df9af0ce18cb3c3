// Kimi K2: <|tool_call_begin|>functions.NAME:INDEX<|tool_call_argument_begin|>{…}<|tool_call_end|> in a section. What
// stands before the arguments is the call's id as well.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kKimiFormat;

}  // namespace llama::internal
