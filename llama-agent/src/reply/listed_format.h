// Families that put a list of calls between two markers and differ in nothing else: Granite 3, Phi-4-mini (which also
// writes functools[…]), Nemotron Nano v2, Apertus, and those of <tool_calls> (Apriel, MiniMax-M1).
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kGranite3Format;
extern const ReplyFormatKind kPhi4Format;
extern const ReplyFormatKind kNemotronFormat;
extern const ReplyFormatKind kApertusFormat;
extern const ReplyFormatKind kToolCallsFormat;

}  // namespace llama::internal
