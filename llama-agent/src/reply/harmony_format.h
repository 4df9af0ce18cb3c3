// gpt-oss ("harmony"): messages with a header each, that names a channel and maybe a recipient:
//   <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>commentary to=functions.look <|constrain|>json
//   <|message|>{…}<|call|>
// What stands in "analysis" is a thought, in "final" and "commentary" the answer; a message to a recipient is a call.
//
// Cost     a header that is not whole is looked at again with each piece, 512 bytes at most; of all else what is new,
//          once for each marker in it, in parts of 4 KiB.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kHarmonyFormat;

}  // namespace llama::internal
