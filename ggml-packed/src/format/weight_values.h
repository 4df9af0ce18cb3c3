// Values of weights as numbers, by the best instructions that the CPU has: any level packs the same bytes.
//
// Threads  pure functions.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>

namespace ggml_packed {

// Columns [first, first + count) of a row. `first` is a multiple of the type's block, and so is `count`.
void read_weights(const ggml_tensor& weights, std::size_t row, std::size_t first, std::size_t count, float* out);

// Rounded to the nearest bfloat16, an odd number of them followed by a zero.
void round_to_bf16(const float* values, std::size_t count, std::uint16_t* out);

}  // namespace ggml_packed
