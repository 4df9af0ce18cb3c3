// Measure what this machine's cores can do at most.
//
// Units    operations per second, a multiplication and an addition being two; the sum over the threads.
// Method   multiply-add instructions on registers alone, in slices of a few milliseconds; each thread's best slice
//          counts, so that another process on the same cores disturbs little.
// Levels   the best that the CPU has: f32 AVX-512 or AVX2; bf16 AMX or AVX-512; int8 AVX-512 VNNI, AVX-VNNI, or AVX2's
//          maddubs, madd and add.
#pragma once

#include <chrono>
#include <optional>

namespace bench {

enum class Arithmetic { F32, Bf16, Int8 };

struct Peak {
  const char* level = "";
  double operations_per_second = 0;
};

// Nothing where the CPU has no instructions for it.
[[nodiscard]] std::optional<Peak> measure_peak(Arithmetic arithmetic, unsigned threads,
                                               std::chrono::milliseconds time = std::chrono::milliseconds(700));

}  // namespace bench
