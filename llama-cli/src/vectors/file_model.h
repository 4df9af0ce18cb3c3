// Load the model of a file of vectors, with the file's own settings, and compute with it what was computed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "console.h"
#include "interrupt.h"
#include "llama-corpus/prompt.h"
#include "llama-embedding/embedding_model.h"
#include "llama-table/row.h"
#include "llama-vectors/vector_file.h"
#include "loader_flags.h"

namespace llama {

using FileModel = std::shared_ptr<const EmbeddingModel>;

// loader.model: "": the one that the file names, which must be there and the same; else that one.
[[nodiscard]] Step<FileModel> load_file_model(const VectorFile& file, const LoaderFlags& loader, int threads,
                                              const Interrupt& interrupt, const Console& console);

// What differs between the model that a file's vectors are of and this one, for people; "" where nothing is known to.
[[nodiscard]] std::string what_is_other(const Provenance& provenance, const EmbeddingModel& model);

// Each row's text with the prompt around it: the first cell is the text, the others the prompt's columns.
[[nodiscard]] std::vector<std::string> texts_of_rows(std::span<const Row> rows,
                                                     const std::optional<PromptTemplate>& prompt);

// A text that the model has no vector for has its own error.
[[nodiscard]] Result<std::vector<Result<std::vector<float>>>> compute_vectors(const FileModel& model,
                                                                              const std::vector<std::string>& texts,
                                                                              const std::stop_token& stop);

}  // namespace llama
