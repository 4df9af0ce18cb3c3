// Count rows that are equal, by 64-bit digests of their texts and vectors.
//
// Two of n different things have one digest with a probability of n² / 2^65: for a thousand million rows 1 in 37.
// When there is no room for all digests only those are kept that are a multiple of `share`. Equal things have equal
// digests, so that all or none of a group are kept, and what is counted, times `share`, is an estimate of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "llama-vectors/inspection.h"

namespace llama::internal {

[[nodiscard]] std::uint64_t digest64(std::string_view bytes);

class RowDigests {
 public:
  static constexpr std::uint64_t kRowBytes = 32;

  explicit RowDigests(std::uint64_t share) : share_(share) {}
  void add_text(std::uint64_t text) {
    if (text % share_ == 0) texts_.push_back(text);
  }
  void add_vector(std::uint64_t vector, std::uint64_t text, std::uint64_t row) {
    if (vector % share_ == 0) vectors_.push_back({.vector = vector, .row = row, .text = text});
  }
  void merge(RowDigests&& other);
  [[nodiscard]] std::uint64_t size_bytes() const {
    return texts_.size() * sizeof(std::uint64_t) + vectors_.size() * sizeof(VectorDigest);
  }

  // Sorts the digests.
  [[nodiscard]] std::uint64_t duplicate_texts();
  struct Vectors {
    std::uint64_t duplicates = 0;
    SharedVectors shared;
  };
  [[nodiscard]] Vectors duplicate_vectors(std::size_t max_examples);

 private:
  struct VectorDigest {
    std::uint64_t vector, row, text;
    friend auto operator<=>(const VectorDigest&, const VectorDigest&) = default;
  };
  std::uint64_t share_;
  std::vector<std::uint64_t> texts_;
  std::vector<VectorDigest> vectors_;
};

}  // namespace llama::internal
