// Decide whether ggml's own kernels compute a model's BF16 copy instead of the model: where our kernels are wanted and
// cannot be had, and the copy has been measured to be faster here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-embedding/embedding_config.h"
#include "llama-loader/model_config.h"

namespace llama::internal {

struct Bf16Facts {
  bool wanted = false;           // by the caller
  std::string_view kernels;      // kernels_in_use(): "stock (why)" where ours are missed
  std::string_view weights;      // Model::description()
  bool multiplies_bf16 = false;  // llama-core/bf16.h
  std::string_view device;       // Model::device()
};
[[nodiscard]] bool may_use_bf16_copy(const Bf16Facts& facts);

// Times of the same batch, in turn.
struct Bf16Timings {
  std::vector<std::chrono::nanoseconds> model, copy;
};
// By the median, and clearly: a copy costs twice the memory.
[[nodiscard]] bool copy_is_faster(const Bf16Timings& timings);

// What the choice needs of the world; tests have their own.
struct Bf16World {
  std::function<std::optional<std::int64_t>()> recall;
  std::function<void(std::int64_t faster)> remember;  // 1 or 0
  std::function<Result<std::shared_ptr<const Model>>()> copy;
  std::function<Result<Bf16Timings>(const std::shared_ptr<const Model>& copy)> measure;
  std::function<void()> remove_copy;
  std::function<void(std::string_view line)> say;
};

// The copy; nothing where the model itself is to be used. A failure is said in one line and is none of the caller's.
[[nodiscard]] std::shared_ptr<const Model> choose_bf16_copy(const Bf16World& world);

// The same for a model that was loaded. Requires a config with a loader.
[[nodiscard]] std::shared_ptr<const Model> choose_bf16_copy(const EmbeddingConfig& config, const LoadedModel& loaded,
                                                            Pooling pooling);

}  // namespace llama::internal
