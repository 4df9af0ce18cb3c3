// How fast a level's kernels are on this machine.
//
// Threads  any.
#pragma once

#include "kernels/kernels.h"

namespace ggml_packed {

// Units    10^9 operations a second of one thread, a multiplication and an addition being two: the geometric mean of
//          products with Q8_0 and with F16 weights. A level that widens weights of 8 bits computes both in the same
//          way.
// Cost     about 10 ms.
[[nodiscard]] double speed_of(const Kernels& kernels);

}  // namespace ggml_packed
