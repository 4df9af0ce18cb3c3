// The blocks of Q8_0: 32 values with one scale.
//
// Source   ggml: Q8_0 is a float16 scale and 32 int8; a value is scale * int8.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ggml_packed {

inline constexpr std::size_t kBlock = 32;

// 1.5 * 2^23 as the bits of a float32. Its last place is worth 1: a whole number added to the bits (below 2^22 either
// way) is added to the value, so that a sum which starts here needs no conversion.
inline constexpr std::int32_t kExact = 0x4B400000;
inline constexpr float kExactValue = 12582912.0F;

// What goes with 32 quantized activations.
struct BlockScale {
  float scale;
  std::int32_t correction;  // kExact - 128 times their sum: for weights that were made unsigned
  float sum;                // of what they mean: for weights with a minimum
};

}  // namespace ggml_packed
