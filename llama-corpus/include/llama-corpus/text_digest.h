// Know a text by 128 bits of its SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "llama-base/error.h"

namespace llama {

using TextDigest = std::array<std::byte, 16>;

// Of the bytes, as the model is given them: the prompt included.
//
// Errors   OutOfMemory.
[[nodiscard]] Result<TextDigest> digest_of_text(std::string_view text);

}  // namespace llama
