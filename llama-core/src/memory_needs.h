// Know before llama.cpp allocates: the kernel promises more memory than there is, and then ends the process.
#pragma once

#include <cstdint>
#include <optional>

#include "llama-core/model.h"

struct llama_model;

namespace llama::internal {

// What the machine can give without taking it from others; nothing where it does not say.
[[nodiscard]] std::optional<std::uint64_t> available_memory();

// Keys and values of every token, in 16 bits. 0 for memories that do not grow by the same for each token.
[[nodiscard]] std::uint64_t cache_bytes(const Model& model, const llama_model* handle, std::uint64_t tokens);

}  // namespace llama::internal
