// Know the machine's processor: its name, and how many threads suit it.
//
// Threads  any.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

// What the operating system tells of the processor and of this process's part of it.
struct ProcessorFacts {
  std::vector<int> allowed;                // hardware threads that the process may run on
  std::vector<std::vector<int>> siblings;  // of each of those: the hardware threads of its core; {} where not known
  std::optional<double> quota;             // processors' time that the process's group may use; nothing: no limit
};

// The physical cores that the process may use, as many of them as its quota pays for: two threads on one core share
// the units that multiply, and wait for each other.
//
// Returns  at least 1. A quota is rounded up, so that nothing of it is lost.
[[nodiscard]] int threads_for(const ProcessorFacts& facts);

// The same for this process, now. What "0 threads" means everywhere.
//
// Source   sched_getaffinity, /sys/devices/system/cpu/cpu*/topology/thread_siblings_list, cpu.max of the process's
//          control group and of those above it (cgroup v2). Elsewhere than on Linux: std::thread::hardware_concurrency.
[[nodiscard]] int default_threads();

// "AMD EPYC 9B45", "arm 0x41 0xd40 0x1 1": the processor's name, or its numbers. "" where it cannot be told.
[[nodiscard]] std::string processor_name();

// The same from what /proc/cpuinfo holds: the first model name; on arm64, where there is none, the first core's
// implementer, part, variant and revision.
[[nodiscard]] std::string parse_processor_name(std::istream& cpuinfo);

// "0-2,8" as {0, 1, 2, 8}; {} where it is no such list.
[[nodiscard]] std::vector<int> parse_cpu_list(std::string_view text);

// "150000 100000" as 1.5; nothing for "max 100000" and for what is no limit.
[[nodiscard]] std::optional<double> parse_cpu_quota(std::string_view text);

}  // namespace llama
