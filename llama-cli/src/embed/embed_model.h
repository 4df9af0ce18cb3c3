// The model that the embed command computes with.
#pragma once

#include <memory>

#include "console.h"
#include "embed/embed_arguments.h"
#include "interrupt.h"
#include "llama-embedding/embedding_model.h"
#include "llama-table/row_writer.h"

namespace llama {

using SharedModel = std::shared_ptr<const EmbeddingModel>;

// Loads it, and shows how far that is.
[[nodiscard]] Step<SharedModel> load_embedding_model(const EmbedArguments& arguments, ModelSource source,
                                                     const Interrupt& interrupt, const Console& console);

// Where the vectors come from, for the output's metadata.
[[nodiscard]] TableMetadata provenance(const EmbeddingModel& model);

}  // namespace llama
