// The embed command's flags as the job's options.
#pragma once

#include <optional>

#include "console.h"
#include "embed/embed_arguments.h"
#include "embed/embed_input.h"
#include "embed/embed_model.h"
#include "embed/embed_output.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/prompt.h"
#include "llama-corpus/shard.h"

namespace llama {

// What can be known to be wrong before anything is opened: flags that need or exclude each other.
[[nodiscard]] Step<void> check_arguments(const EmbedArguments& arguments);

// Errors   the output's name has the ending of a format that is not written.
[[nodiscard]] Step<void> check_ending(const OutputArguments& arguments);

// Errors   --calibration names no file.
[[nodiscard]] Step<void> check_calibration(const OutputArguments& arguments);

[[nodiscard]] Step<Shard> choose_shard(const EmbedArguments& arguments);

// --prompt, read without the model.
[[nodiscard]] Step<std::optional<PromptTemplate>> read_prompt(const EmbedArguments& arguments);
// --prompt-name, which the model's family knows.
[[nodiscard]] Step<std::optional<PromptTemplate>> choose_prompt(const EmbedArguments& arguments,
                                                                const std::optional<PromptTemplate>& given,
                                                                const EmbeddingModel& model);

// The templates that --prompt-name knows for the model, as a JSON object by name, for a program at the other end of a
// stream to put around its texts. Empty for a family that is not known.
[[nodiscard]] std::string known_prompts(const EmbeddingModel& model);

// Errors   --dimensions that the model was not trained for.
[[nodiscard]] Step<void> check_dimensions(const EmbedArguments& arguments, const EmbeddingModel& model);

// What the journal is bound to, by the flags' names.
using Settings = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Settings journal_settings(const EmbedArguments& arguments, const Shard& shard);

// Whether the output is a folder of parts.
[[nodiscard]] bool writes_folder(const OutputArguments& output, const Shard& shard);
// Where the journal lies: beside a file, inside a folder of parts (each shard has its own).
[[nodiscard]] std::filesystem::path journal_path(const OutputArguments& output, const Shard& shard);
// An interrupted run of the same output has left its journal.
[[nodiscard]] bool has_journal(const OutputArguments& output, const Shard& shard);

// Everything but the callbacks.
[[nodiscard]] JobOptions job_options(const EmbedArguments& arguments, const EmbedInput& input, const Shard& shard,
                                     const OutputColumns& columns, std::optional<PromptTemplate> prompt);

// The metadata of the output: where its vectors come from, and what was read.
[[nodiscard]] TableMetadata metadata_of(const EmbeddingModel& model, const JobOptions& options,
                                        const EmbedArguments& arguments);

}  // namespace llama
