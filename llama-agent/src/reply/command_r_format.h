// Cohere's: a fenced list behind "Action:" (Command-R+); a list between <|START_ACTION|> and <|END_ACTION|>, the answer
// between <|START_RESPONSE|> and <|END_RESPONSE|> (Command-R7B, Command-A).
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kCommandRFormat;
extern const ReplyFormatKind kCommandAFormat;

}  // namespace llama::internal
