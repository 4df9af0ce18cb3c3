#include "model_budget.h"

#include <algorithm>
#include <format>
#include <string>

#include "llama-core/kernels.h"
#include "llama-core/processor.h"
#include "llama-loader/measurement_memory.h"

namespace llama::internal {

bool vectors_ignore_the_batch(std::string_view kernels, std::string_view device) {
  return kernels.starts_with("packed") && device == "CPU";
}

std::unique_ptr<BudgetTuner> make_budget_tuner(const EmbeddingConfig& config, const LoadedModel& loaded,
                                               std::int32_t texts_per_pass) {
  if (config.token_budget > 0) {
    return std::make_unique<BudgetTuner>(BudgetChoice{.budget = config.token_budget, .reason = "given"});
  }
  const std::string kernels = kernels_in_use();
  if (!vectors_ignore_the_batch(kernels, loaded.model->device())) {
    return std::make_unique<BudgetTuner>(
        BudgetChoice{.budget = kUsualBudget, .reason = "with these kernels a vector depends on its batch"});
  }
  const MeasurementMemory memory(config.loader->cache().folder());
  const std::string key = std::format(
      "token budget; {}; {}, {} threads, {} lanes; {}; llama-embedding {}; {} texts a pass", loaded.metadata.identity,
      processor_name(), config.threads > 0 ? config.threads : default_threads(),
      config.lanes > 0 ? std::to_string(config.lanes) : "any", kernels, LLAMA_EMBEDDING_VERSION, texts_per_pass);
  return std::make_unique<BudgetTuner>(
      BudgetTuner::Memory{.recall = [=] { return memory.recall(key); },
                          .remember = [=](std::int64_t budget) { memory.remember(key, budget); }});
}

}  // namespace llama::internal
