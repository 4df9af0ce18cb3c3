// Calls as SmolLM3 writes them: in Python, <code>look(at="sky")</code>, or as Hermes does, by what it was told.
// Source   the template and the model card of HuggingFaceTB/SmolLM3-3B.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kSmolLm3Format;

}  // namespace llama::internal
