// The blocks of Q8_0: 32 values with one scale.
//
// Source   ggml: Q8_0 is a float16 scale and 32 int8; a value is scale * int8.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ggml_packed {

inline constexpr std::size_t kBlock = 32;

// What goes with 32 quantized activations.
struct BlockScale {
  float scale;
  std::int32_t correction;  // -128 times their sum: for weights that were made unsigned
  float sum;                // of what they mean: for weights with a minimum
};

}  // namespace ggml_packed
