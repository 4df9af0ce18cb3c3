#include "llama-table/vector_encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <format>

namespace llama {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors are written as they lie in memory");

template <class T>
void append_value(T value, std::vector<std::byte>& out) {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

// A float16 keeps 10 of 23 bits of the fraction. Adding half of what is cut off, less one, plus the last bit that
// stays, rounds to the nearest and ties to even; a carry moves into the exponent, as it should. Below 2^-14 the
// exponent stays and the last bit is worth 2^-24: adding 0.5, whose last bit is worth the same, lets the addition
// round. Cost: some instructions per value, no table.
std::uint16_t to_float16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
  constexpr std::uint32_t kInfinity = 0x7c00, kFloatInfinity = 0x7f800000;
  constexpr auto kOverflow = std::bit_cast<std::uint32_t>(kFloat16Infinity);
  constexpr auto kLeastNormal = std::bit_cast<std::uint32_t>(0x1p-14F);
  std::uint32_t half = 0;
  if (magnitude > kFloatInfinity) {
    half = kInfinity | 0x200 | ((magnitude >> 13) & 0x3ff);  // a quiet NaN
  } else if (magnitude >= kOverflow) {
    half = kInfinity;
  } else if (magnitude < kLeastNormal) {
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - std::bit_cast<std::uint32_t>(0.5F);
  } else {
    constexpr std::uint32_t kBias = (127 - 15) << 23;
    half = (magnitude + 0xfff + ((magnitude >> 13) & 1) - kBias) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

Result<Int8Scales> Int8Scales::of(std::span<const float> vectors, std::int32_t dimension) {
  const auto width = static_cast<std::size_t>(std::max(dimension, 1));
  if (vectors.empty() || dimension < 1 || vectors.size() % width != 0) {
    return fail(ErrorCode::InvalidArgument,
                std::format("{} values are no vectors of {} dimensions", vectors.size(), dimension));
  }
  if (!std::ranges::all_of(vectors, [](float value) { return std::isfinite(value); }))
    return fail(ErrorCode::InvalidArgument, "scales are made of finite values");
  Int8Scales scales;
  scales.starts.assign(vectors.begin(), vectors.begin() + dimension);
  std::vector<float> greatest = scales.starts;
  for (std::size_t i = width; i < vectors.size(); ++i) {
    scales.starts[i % width] = std::min(scales.starts[i % width], vectors[i]);
    greatest[i % width] = std::max(greatest[i % width], vectors[i]);
  }
  for (std::size_t i = 0; i < width; ++i) scales.steps.push_back((greatest[i] - scales.starts[i]) / 255.0F);
  return scales;
}

void append_float32(std::span<const float> vector, std::vector<std::byte>& out) {
  const auto bytes = std::as_bytes(vector);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_float16(std::span<const float> vector, std::vector<std::byte>& out) {
  for (const float value : vector) append_value(to_float16(value), out);
}

void append_int8(std::span<const float> vector, const Int8Scales& scales, std::vector<std::byte>& out) {
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const float step = scales.steps[i];
    const float code = step == 0.0F ? -128.0F : (vector[i] - scales.starts[i]) / step - 128.0F;
    // Written so that NaN, too, is -128.
    append_value(static_cast<std::int8_t>(code > -128.0F ? std::min(code, 127.0F) : -128.0F), out);
  }
}

void append_bits(std::span<const float> vector, std::vector<std::byte>& out) {
  for (std::size_t begin = 0; begin < vector.size(); begin += 8) {
    unsigned byte = 0;
    for (std::size_t i = begin; i < std::min(begin + 8, vector.size()); ++i)
      byte |= (vector[i] > 0.0F ? 0x80U : 0U) >> (i - begin);
    out.push_back(static_cast<std::byte>(byte));
  }
}

}  // namespace llama
