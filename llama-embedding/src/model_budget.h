// Decide where a model's budget of tokens comes from.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "budget_tuner.h"
#include "llama-embedding/embedding_config.h"
#include "llama-loader/model_config.h"

namespace llama::internal {

// Whether a text has the same vector, bit for bit, in every batch: with our kernels on the CPU. Pure.
//
// kernels  kernels_in_use()
// device   Model::device()
[[nodiscard]] bool vectors_ignore_the_batch(std::string_view kernels, std::string_view device);

// texts_per_pass  at most so many, as Embedder::texts_per_pass() has it: a budget is remembered for that number.
// Requires a config with a loader.
[[nodiscard]] std::unique_ptr<BudgetTuner> make_budget_tuner(const EmbeddingConfig& config, const LoadedModel& loaded,
                                                             std::int32_t texts_per_pass);

}  // namespace llama::internal
