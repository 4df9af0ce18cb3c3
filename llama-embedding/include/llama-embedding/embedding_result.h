// Hold one text and its vector.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

struct EmbeddingResult {
  std::string text;                      // as it came, byte for byte
  std::string text_hash;                 // MD5 of those bytes, 32 lower-case hex digits
  std::vector<float> embedding;          // the model's embedding dimension
  std::uint32_t sequence_length = 0;     // tokens, special ones included, after truncation
  std::uint64_t processing_time_ms = 0;  // the text's share of its batch's time, by tokens
  bool truncated = false;                // tokens beyond the maximum were left out
  std::uint64_t row = 0;                 // the source's number of the text (text_source.h), its index in a list
};

// Neither NaN nor infinity in it: a value is either where all bits of its exponent are set.
[[nodiscard]] inline bool is_finite(std::span<const float> vector) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  std::uint32_t odd = 0;  // no early exit: the compiler vectorizes it
  for (const float x : vector) odd |= (std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent ? 1U : 0U;
  return odd == 0;
}

// Scale a vector to Euclidean length 1; a zero vector stays as it is.
inline void normalize(std::vector<float>& vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * x;
  if (sum <= 0) return;
  const double scale = 1 / std::sqrt(sum);
  for (float& x : vector) x = static_cast<float>(x * scale);
}

// MD5 as 32 lower-case hex digits. A fingerprint for joining and deduplicating, no protection against an adversary.
[[nodiscard]] std::string md5_hex(std::string_view bytes);

}  // namespace llama
