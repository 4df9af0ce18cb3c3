// Write vectors in fewer bytes: float16, int8 with a scale for each dimension, one bit for each dimension.
//
// Pure functions over values; bytes as llama-table/column.h says them, little endian.
// Source   int8 and bits: sentence-transformers' quantize_embeddings(), precision "int8" with ranges, and "ubinary".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// From here on a value is infinity as float16: half a step above the greatest, 65504.
inline constexpr float kFloat16Infinity = 65520.0F;

// IEEE 754 binary16, rounded to nearest, ties to even: beyond 65504 infinity, below 2^-25 zero, subnormals between.
[[nodiscard]] std::uint16_t to_float16(float value);

// Where the values of each dimension lie: from its start to 255 steps above; about, value = start + (code + 128) step.
struct Int8Scales {
  std::vector<float> starts, steps;  // one for each dimension

  // Of some vectors, one after the other: start = least, step = (greatest - least) / 255.
  // Errors   InvalidArgument: no vectors, a number of values that is no multiple of dimension, values that are not
  //          finite.
  [[nodiscard]] static Result<Int8Scales> of(std::span<const float> vectors, std::int32_t dimension);
};

// Each appends one vector's bytes to `out`, vector_bytes() of them. append_int8 wants a scale for each dimension.
void append_float32(std::span<const float> vector, std::vector<std::byte>& out);
void append_float16(std::span<const float> vector, std::vector<std::byte>& out);
// (value - start) / step - 128 in float32, cut towards zero. Outside of the scales -128 or 127, where
// sentence-transformers wraps around; of a dimension that never changed (step 0) -128, where it divides by zero.
void append_int8(std::span<const float> vector, const Int8Scales& scales, std::vector<std::byte>& out);
// A bit is set where the value is above zero; eight dimensions to a byte, the first in the highest bit. What is left of
// the last byte is 0.
void append_bits(std::span<const float> vector, std::vector<std::byte>& out);

}  // namespace llama
