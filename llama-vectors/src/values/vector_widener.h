// Turn stored vectors into doubles to compute with.
//
// Threads  any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "llama-table/column.h"
#include "llama-table/vector_encoding.h"
#include "values/similarity_kernels.h"

namespace llama::internal {

class VectorWidener {
 public:
  // scales: of int8, one for each dimension; nothing: the numbers are the values.
  // Requires dimension > 0.
  VectorWidener(VectorElement element, std::int32_t dimension, const std::optional<Int8Scales>& scales);

  [[nodiscard]] std::size_t stride() const { return stride_; }  // bytes of a stored vector
  [[nodiscard]] std::size_t length() const { return length_; }  // doubles of a wide one, zeros at its end
  [[nodiscard]] std::size_t dimension() const { return dimension_; }

  // out: length() doubles, those beyond the dimension 0 already. A bit is 1 or -1.
  void widen(const std::byte* vector, double* out) const;

 private:
  VectorElement element_;
  std::size_t dimension_, stride_, length_;
  std::vector<double> starts_, steps_;
  const SimilarityKernels* kernels_;
};

}  // namespace llama::internal
