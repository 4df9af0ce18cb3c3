// Know how much memory there is before it is asked for: the kernel promises more than it has, and then ends a process.
#pragma once

#include <cstdint>
#include <optional>

namespace llama::internal {

// What the machine can give without taking it from others; nothing where it does not say.
// Source   proc_meminfo(5), MemAvailable.
[[nodiscard]] std::optional<std::uint64_t> available_memory();

}  // namespace llama::internal
