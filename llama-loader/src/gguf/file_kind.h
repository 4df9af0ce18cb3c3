// Say what a file is that is no GGUF file, from its first bytes.
#pragma once

#include <string_view>

namespace llama::internal {

constexpr std::size_t kStartBytes = 64;  // enough to tell

// A few words for an error message, and what to do where that is known.
[[nodiscard]] std::string_view kind_of_other_file(std::string_view start);

}  // namespace llama::internal
