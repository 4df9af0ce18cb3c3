// Rotary positions (ROPE): the angles of a graph's positions are computed once, for all layers.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <array>
#include <vector>

#include "row_kernels.h"
#include "thread_team.h"

namespace ggml_packed {

class Rope {
 public:
  explicit Rope(const Kernels& kernels) : rows_(row_kernels(kernels)) {}
  // Whole heads, pairs of neighbours or half a head apart ("neox"), no stretched contexts.
  [[nodiscard]] static bool takes(const ggml_tensor& node);
  void compute(const ggml_tensor& node, ThreadTeam& team);
  void begin_graph() { positions_ = nullptr; }

 private:
  void prepare(const ggml_tensor& node, ThreadTeam& team);

  const RowKernels& rows_;
  const ggml_tensor* positions_ = nullptr;  // that the angles are of
  std::array<float, 4> parameters_{};
  std::vector<float> cosines_, sines_;  // rows of half a head
};

}  // namespace ggml_packed
