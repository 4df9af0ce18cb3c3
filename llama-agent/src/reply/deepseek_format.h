// DeepSeek's, each call between its own markers: function<sep>NAME, then the arguments in a fence (R1 and its distils);
// NAME<sep>{…} (V3.1).
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kDeepSeekR1Format;
extern const ReplyFormatKind kDeepSeekV31Format;

}  // namespace llama::internal
