// Know how much memory there is before it is asked for: the kernel promises more than it has, and then ends a process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace llama::internal {

// What the machine can give without taking it from others, and what the process's control group and those above it may
// still take: a container has its own limit, and sees all of its host's memory. Nothing where neither says anything.
//
// root     of the files that say so.
// Source   proc_meminfo(5), MemAvailable; Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
//          ggml-packed, which includes nothing of ours, has the same (format/available_memory.h).
[[nodiscard]] std::optional<std::uint64_t> available_memory(const std::filesystem::path& root = "/");

}  // namespace llama::internal
