// The blocks of Q8_0: 32 values with one scale.
//
// Source   ggml: Q8_0 is a float16 scale and 32 int8; a value is scale * int8.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ggml_packed {

inline constexpr std::size_t kBlock = 32;

// 1.5 * 2^23 as the bits of a float32. Its last place is worth 1: a whole number added to the bits (below 2^22 either
// way) is added to the value, so that a sum which starts here needs no conversion.
inline constexpr std::int32_t kExact = 0x4B400000;
inline constexpr float kExactValue = 12582912.0F;

// With VNNI an activation's scale is (1 + step / kScaleSteps) * 2^exponent. So there are few mantissas, and a kernel
// may look up what each of them makes of a weight's scale; and a sum of products begins at kExactValue * 2^exponent,
// where the last place is worth 2^exponent.
inline constexpr std::uint32_t kScaleStepBits = 4, kScaleSteps = 1U << kScaleStepBits;
// With others a sum would begin at what no float32 holds.
inline constexpr float kMinScale = 0x1p-100F, kMaxScale = 0x1p100F;

// What goes with 32 quantized activations. Where one of them is infinite, NaN or too large for kMaxScale, `scale`,
// `zero` and `sum` are NaN.
struct BlockScale {
  float scale;
  float zero;          // kExactValue times the scale's power of two
  std::int32_t start;  // its bits, less 128 times their sum: for weights that were made unsigned
  float sum;           // of what they mean: for weights with a minimum

  [[nodiscard]] std::uint32_t step() const {
    return std::bit_cast<std::uint32_t>(scale) >> (23 - kScaleStepBits) & (kScaleSteps - 1);
  }
};

}  // namespace ggml_packed
