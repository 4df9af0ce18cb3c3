// Tell whether a stored vector is what the model gives.
//
// Pure.
// Threads  any, each with a judge of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llama-table/column.h"
#include "llama-table/vector_encoding.h"
#include "llama-vectors/verification.h"
#include "values/vector_widener.h"

namespace llama::internal {

struct Judgement {
  bool is_same = false;  // in every bit
  double cosine = 1;     // of bits: of the numbers 1 and -1
  std::optional<WrongKind> wrong;
  std::string what;  // for people, where it is not the same
};

class VectorJudge {
 public:
  // scales: of int8. least_cosine: what a right vector has at least. compares_lengths: false: any length is right.
  VectorJudge(VectorElement element, std::int32_t dimension, const std::optional<Int8Scales>& scales,
              double least_cosine, bool compares_lengths = true);

  // computed: `dimension` numbers, finite.
  [[nodiscard]] Judgement judge(const std::byte* stored, std::vector<float> computed);

 private:
  [[nodiscard]] std::vector<std::byte> encoded(std::span<const float> computed) const;
  void scale_to(const std::byte* stored, std::vector<float>& computed);
  // What the value of one dimension may be off by, besides what the tolerance allows: the code's own coarseness.
  [[nodiscard]] double coarseness(std::size_t i) const;
  [[nodiscard]] std::optional<std::size_t> single_outlier() const;
  void judge_floats(Judgement& judged, double apart, double stored_length, double length) const;
  void judge_codes(Judgement& judged, double allowed, std::span<const float> computed) const;

  VectorElement element_;
  std::size_t dimension_;
  Int8Scales scales_;
  double least_cosine_;
  bool compares_lengths_;
  VectorWidener widener_;
  std::vector<double> stored_, computed_;  // as they are read back from their bytes
  double typical_ = 0;                     // the computed numbers' root mean square
};

}  // namespace llama::internal
