// What a job is bound to, and what it may not be asked for.
#pragma once

#include "../store/journal.h"
#include "llama-corpus/embed_job.h"

namespace llama::internal {

// Errors   InvalidArgument: a number out of range, settings that do not go together.
[[nodiscard]] Result<void> check_job(const EmbeddingModel& model, const JobOptions& options);

// The caller's settings first, for people know them by those names; then the job's own.
[[nodiscard]] JournalBinding binding_of(const EmbeddingModel& model, const InputIdentity& input,
                                        const JobOptions& options);

}  // namespace llama::internal
