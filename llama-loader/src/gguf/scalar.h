// The types of single metadata values.
#pragma once

#include <cstdint>
#include <string>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

// In bytes, of a number or a truth value; 0 for strings, lists and unknown types.
[[nodiscard]] std::uint64_t scalar_size(GgufType type);

[[nodiscard]] bool is_known(GgufType type);

// A number in decimal, "true" or "false"; "" for what is no scalar. `bytes` are scalar_size(type) many.
[[nodiscard]] std::string scalar_text(GgufType type, const char* bytes);

}  // namespace llama::internal
