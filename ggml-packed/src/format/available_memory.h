// How much memory there is before it is asked for: the kernel promises more than it has, and then ends a process.
//
// Source   proc_meminfo(5), MemAvailable; Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
//          llama-base, which a plug-in does not include, has the same (llama-base/memory.h).
#pragma once

#include <cstdint>
#include <filesystem>

namespace ggml_packed {

// What the machine can give without taking it from others, and what the process's control group and those above it may
// still take: a container has its own limit, and sees all of its host's memory. Much where neither says anything.
//
// root   of the files that say so.
[[nodiscard]] std::uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace ggml_packed
