// Mistral's three ways, all behind [TOOL_CALLS]: a list of objects (Nemo), NAME[CALL_ID]ID[ARGS]{…} (Small 3.2), and
// NAME[ARGS]{…} (Devstral, Ministral, Magistral). A model of one that writes as another does is understood.
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kMistralIdsFormat;
extern const ReplyFormatKind kMistralArgumentsFormat;
extern const ReplyFormatKind kMistralListFormat;

}  // namespace llama::internal
