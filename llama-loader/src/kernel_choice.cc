#include "llama-loader/kernel_choice.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "llama-core/kernels.h"
#include "llama-core/processor.h"

namespace llama {
namespace {

// What a measurement depends on, and how it is remembered: as a level's place in the plug-in's list, from 1 on.
struct Question {
  std::vector<std::string> levels = kernel_levels();
  std::string key;

  Question() {
    std::string names;
    for (const std::string& level : levels) names += (names.empty() ? "" : ", ") + level;
    // With the best level that is here: a virtual machine, or GGML_PACKED_LEVEL, may hide what the processor of that
    // name has.
    key = std::format("kernels; {}; {} of {}; llama-loader {}", processor_name(), kernels_in_use(), names,
                      LLAMA_LOADER_VERSION);
  }

  [[nodiscard]] std::int64_t number_of(const std::string& level) const {
    const auto found = std::ranges::find(levels, level);
    return found == levels.end() ? 0 : found - levels.begin() + 1;
  }
  [[nodiscard]] std::optional<std::string> level_of(std::int64_t number) const {
    if (number < 1 || number > std::ssize(levels)) return std::nullopt;
    return levels[static_cast<std::size_t>(number - 1)];
  }
};

}  // namespace

void choose_measured_kernels(const MeasurementMemory& memory) {
  static std::mutex mutex;
  static bool chosen = false;
  const std::scoped_lock lock(mutex);
  if (chosen || !kernels_are_automatic()) return;
  chosen = true;
  const Question question;
  auto level = question.level_of(memory.recall(question.key).value_or(0));
  if (!level) {
    const std::int64_t number = question.number_of(fastest_kernels(measure_kernels()));
    level = question.level_of(number);
    if (!level) return;
    memory.remember(question.key, number);
  }
  internal::use_measured_kernels(*level);
}

}  // namespace llama
