// The time as files and hubs count it.
#pragma once

#include <chrono>
#include <cstdint>

namespace llama::internal {

// Seconds since 1970.
inline std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace llama::internal
