// Calls in plain English, for models that were taught no other way: a line "call NAME with ARGUMENTS".
//
// It stands around a family's format and reads the text that this one tells. Only names of tools that exist count, and
// only at the beginning of a line. ARGUMENTS are a JSON object, over several lines if need be, or the rest of the line:
// the value of the only property, or of the only one that is required.
//
// Cost     the first words of each line; held back is at most "call", the longest name and "with", and arguments that
//          are no JSON until their line ends.
#pragma once

#include <memory>

#include "reply_format.h"

namespace llama::internal {

[[nodiscard]] std::unique_ptr<ReplyFormat> read_spoken_calls(std::unique_ptr<ReplyFormat> family,
                                                             const ReplyFormatOptions& options);

}  // namespace llama::internal
