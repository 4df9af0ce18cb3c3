// The loops in which the time of a search is spent: values made doubles, and their products summed.
//
// A sum has sixteen parts, whatever the processor: value i goes into part i modulo 16, and the parts are added in one
// order, halves to halves; so many that no sum waits for its own last addition. Products of two floats are exact in
// double. So a score is the same number, bit for bit, on every processor that has fused multiplication, and of float
// vectors on all; what comes first does not depend on the machine.
//
// Threads  any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llama::internal {

inline constexpr std::size_t kSumParts = 16;

// Doubles for `count` values, with zeros up to the next whole sixteen.
[[nodiscard]] constexpr std::size_t padded(std::size_t count) {
  return (count + kSumParts - 1) / kSumParts * kSumParts;
}

struct SimilarityKernels {
  std::int64_t target;  // Highway's number of the instructions
  // out has padded(count) places; those beyond count stay as they are.
  void (*widen_float32)(const float* from, std::size_t count, double* out);
  void (*widen_float16)(const std::uint16_t* from, std::size_t count, double* out);
  // start + (value + 128) step
  void (*widen_int8)(const std::int8_t* from, const double* starts, const double* steps, std::size_t count,
                     double* out);
  // out[i] = a · b_i, of `count` vectors one after the other; length is a multiple of kSumParts. Returns a · a.
  double (*products)(const double* a, const double* b, std::size_t count, std::size_t length, double* out);
  // |a - b|² in floats: for what is ranked again by products. Its last bits depend on the processor.
  float (*squared_distance)(const float* a, const float* b, std::size_t count);
};

// The fastest that this processor has.
[[nodiscard]] const SimilarityKernels& similarity_kernels();

// All that this processor has, for tests.
[[nodiscard]] std::vector<const SimilarityKernels*> all_similarity_kernels();

}  // namespace llama::internal
