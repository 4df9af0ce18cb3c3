// Llama 3: a whole reply that is {"name": "NAME", "parameters": {…}}. 3.1 and 3.3 also write calls of built-in tools
// behind <|python_tag|>, as NAME.call(k="v") or as program text.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kLlama3Format;

}  // namespace llama::internal
