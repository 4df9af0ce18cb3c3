// Calls as FunctionGemma writes them: <start_function_call>call:look{at:<escape>sky<escape>,n:2}<end_function_call>.
// Source   the model card of google/functiongemma-270m-it.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kFunctionGemmaFormat;

}  // namespace llama::internal
