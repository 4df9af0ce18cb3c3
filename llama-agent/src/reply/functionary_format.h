// Functionary: <function=NAME>{…}</function> and code behind <|python_tag|> (3.1); a recipient's line before every
// message, >>>all for the user and >>>NAME for a tool, the first >>> by the prompt (3.2).
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kFunctionary31Format;
extern const ReplyFormatKind kFunctionary32Format;

}  // namespace llama::internal
