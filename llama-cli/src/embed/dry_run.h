// What a run would be: rows, texts, tokens, time and size, from a sample.
#pragma once

#include <optional>

#include "console.h"
#include "embed/embed_arguments.h"
#include "embed/embed_input.h"
#include "embed/embed_model.h"
#include "interrupt.h"
#include "llama-corpus/prompt.h"
#include "llama-corpus/shard.h"

namespace llama {

// Reads as much of the input as it can in some seconds, computes some of it, prints what the whole would be.
[[nodiscard]] Step<void> run_dry(const EmbedArguments& arguments, EmbedInput input,
                                 const std::optional<PromptTemplate>& prompt, const Shard& shard,
                                 const SharedModel& model, const Interrupt& interrupt, const Console& console);

}  // namespace llama
