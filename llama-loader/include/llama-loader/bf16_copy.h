// Keep BF16 copies of models in the model cache, where they are listed, counted and removed like any other.
//
// A copy belongs to one content: another file of the same name gets another. Two processes that want the same one make
// it once. Of those not used for longest, copies go as downloads do when the cache is full.
//
// Errors   NoSpace (the disk, the cache's limit), Io, InvalidModel, Cancelled.
// Threads  any number at once, and any number of processes.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-loader/cache.h"
#include "llama-loader/model_config.h"

namespace llama {

// "bf16-copy_NAME_SIZE_…": the copy's key in the cache.
[[nodiscard]] std::string bf16_copy_key(const LoadedModel& model);

// The copy, made if there is none.
//
// on_message  one line when it is made, and when another process is making it.
// Cost        llama-core/bf16.h.
[[nodiscard]] Result<CachedModel> bf16_copy_of(const LoadedModel& model, const CacheManager& cache, int threads,
                                               const std::function<void(std::string_view line)>& on_message,
                                               const std::stop_token& stop);

}  // namespace llama
