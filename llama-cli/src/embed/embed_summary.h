// What the embed command says at the end.
#pragma once

#include <chrono>

#include "console.h"
#include "embed/embed_arguments.h"
#include "llama-corpus/embed_job.h"

namespace llama {

using Seconds = std::chrono::duration<double>;

void print_summary(const Console& console, const EmbedArguments& arguments, const JobSummary& summary, Seconds elapsed);

// One JSON object on standard output.
// Errors   those of print_result().
[[nodiscard]] Result<void> print_json_summary(const EmbedArguments& arguments, const JobSummary& summary,
                                              Seconds elapsed);

}  // namespace llama
