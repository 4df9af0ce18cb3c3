// Choose our kernels' level by a measurement, once per machine and version.
//
// Threads  any.
#pragma once

#include "llama-loader/measurement_memory.h"

namespace llama {

// Where nobody has chosen kernels (choose_kernels()), take the level that was the fastest when it was measured: in an
// earlier run, or now, which takes some 30 ms. load_model() does this first.
void choose_measured_kernels(const MeasurementMemory& memory);

}  // namespace llama
