// A small product of random weights and activations, to check a level's kernels with and to time them.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/kernels.h"

namespace ggml_packed {

struct ProductShape {
  std::size_t outputs, columns, rows;
};

class SampleProduct {
 public:
  SampleProduct(const Kernels& kernels, enum ggml_type type, ProductShape shape);

  void compute();
  // Of what compute() gave, beside sums in double precision: the root of the squared differences' share. NaN for NaN.
  [[nodiscard]] double relative_error() const;

 private:
  void prepare();

  const Kernels& kernels_;
  ProductShape shape_;
  std::vector<float> weights_, x_, out_;  // weights_: what the packed ones mean
  std::optional<PackedMatrix> packed_;
  std::vector<std::byte> bytes_;  // the activations in the kernel's format
  std::vector<BlockScale> scales_;
  Activations activations_;
};

}  // namespace ggml_packed
