#include "model_budget.h"

#include <algorithm>
#include <array>
#include <format>
#include <string>

#include "llama-core/kernels.h"
#include "llama-core/processor.h"
#include "llama-loader/measurement_memory.h"

namespace llama::internal {

bool vectors_ignore_the_batch(std::string_view kernels, std::string_view description) {
  if (!kernels.starts_with("packed")) return false;
  // "qwen3 0.6B (guessed) Q8_0", "bert 22M all F32": the type of most weights comes last.
  constexpr std::array<std::string_view, 4> kPacked = {"Q8_0", "F16", "BF16", "F32"};
  return std::ranges::contains(kPacked, description.substr(description.rfind(' ') + 1));
}

std::unique_ptr<BudgetTuner> make_budget_tuner(const EmbeddingConfig& config, const LoadedModel& loaded) {
  if (config.token_budget > 0) {
    return std::make_unique<BudgetTuner>(BudgetChoice{.budget = config.token_budget, .reason = "given"});
  }
  const std::string kernels = kernels_in_use();
  if (!vectors_ignore_the_batch(kernels, loaded.model->description())) {
    return std::make_unique<BudgetTuner>(
        BudgetChoice{.budget = kUsualBudget, .reason = "with these kernels and weights a vector depends on its batch"});
  }
  const MeasurementMemory memory(config.loader->cache().folder());
  const std::string key =
      std::format("token budget; {}; {}, {} threads; {}; llama-embedding {}; {} texts a pass", loaded.metadata.identity,
                  processor_name(), config.threads > 0 ? config.threads : default_threads(), kernels,
                  LLAMA_EMBEDDING_VERSION, config.batch_size);
  return std::make_unique<BudgetTuner>(
      BudgetTuner::Memory{.recall = [=] { return memory.recall(key); },
                          .remember = [=](std::int64_t budget) { memory.remember(key, budget); }});
}

}  // namespace llama::internal
