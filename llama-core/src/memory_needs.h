// Reckon what llama.cpp will allocate, before it does (llama-base/memory.h).
#pragma once

#include <cstdint>

#include "llama-core/model.h"

struct llama_model;

namespace llama::internal {

// Keys and values of every token, in 16 bits. 0 for memories that do not grow by the same for each token.
[[nodiscard]] std::uint64_t cache_bytes(const Model& model, const llama_model* handle, std::uint64_t tokens);

}  // namespace llama::internal
