#include "llama-loader/kernel_choice.h"

#include <algorithm>
#include <array>
#include <format>
#include <mutex>
#include <string>
#include <string_view>

#include "llama-core/kernels.h"
#include "llama-core/processor.h"

namespace llama {
namespace {

// A level's place here is what is remembered of it.
constexpr std::array<std::string_view, 6> kLevels = {"", "avx2", "avx512-vnni", "avx512-bf16", "avx-vnni", "onednn"};

std::int64_t number_of(std::string_view level) { return std::ranges::find(kLevels, level) - kLevels.begin(); }

}  // namespace

void choose_measured_kernels(const MeasurementMemory& memory) {
  static std::mutex mutex;
  static bool chosen = false;
  const std::scoped_lock lock(mutex);
  if (chosen || !kernels_are_automatic()) return;
  chosen = true;
  // With the best level that is here: a virtual machine, or GGML_PACKED_LEVEL, may hide what the processor of that name
  // has.
  const std::string key =
      std::format("kernels; {}; {}; llama-loader {}", processor_name(), kernels_in_use(), LLAMA_LOADER_VERSION);
  std::int64_t level = memory.recall(key).value_or(0);
  if (level < 1 || level >= std::ssize(kLevels)) {
    level = number_of(fastest_kernels(measure_kernels()));
    if (level < 1 || level >= std::ssize(kLevels)) return;
    memory.remember(key, level);
  }
  internal::use_measured_kernels(kLevels.at(static_cast<std::size_t>(level)));
}

}  // namespace llama
