// Compute the vectors of a text file to take int8 scales from.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "llama-corpus/embed_job.h"

namespace llama::internal {

// Of its first 10,000 texts, with the job's prompt around them (other columns are empty); texts that fail are left out.
//
// Errors   those of TextFile and EmbeddingStream; InvalidArgument: no text in it.
[[nodiscard]] Result<std::vector<std::vector<float>>> calibration_vectors(
    const std::shared_ptr<const EmbeddingModel>& model, const std::filesystem::path& file, const JobOptions& options);

}  // namespace llama::internal
