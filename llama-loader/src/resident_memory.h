// How much memory this process has.
#pragma once

#include <cstdint>

namespace llama::internal {

// Resident bytes; 0 where the system does not tell.
[[nodiscard]] std::uint64_t resident_memory();

}  // namespace llama::internal
