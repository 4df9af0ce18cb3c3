// How fast a level's kernels are on this machine.
//
// Threads  any.
#pragma once

#include "kernels.h"

namespace ggml_packed {

// Units    10^9 operations a second of one thread, a multiplication and an addition being two: the geometric mean of products
//          with Q8_0 and with F16 weights. Takes about 10 ms.
//          A level that may widen weights of 8 bits counts as if it did where that is faster.
[[nodiscard]] double speed_of(const Kernels& kernels);

// Are products with weights of 8 bits clearly faster where these are bfloat16 in memory?
[[nodiscard]] bool is_faster_widened(const Kernels& kernels);

}  // namespace ggml_packed
