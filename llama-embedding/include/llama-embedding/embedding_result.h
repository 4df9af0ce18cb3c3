// Hold one text and its vector.
#pragma once

#include <cmath>
#include <cstdint>
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
};

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
