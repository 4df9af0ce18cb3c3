// Rotary positions (ROPE): the angles of a graph's positions are computed once, for all layers that turn alike.
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
  // Whole heads, pairs of neighbours or half a head apart ("neox"), with factors for the frequencies or without; no
  // contexts stretched by YaRN.
  [[nodiscard]] static bool takes(const ggml_tensor& node);
  void compute(const ggml_tensor& node, ThreadTeam& team);
  void begin_graph() { used_ = 0; }

 private:
  struct Angles {
    const ggml_tensor *positions = nullptr, *factors = nullptr;  // that they are of
    std::array<float, 4> parameters{};
    std::vector<float> cosines, sines;  // rows of half a head
  };
  const Angles& angles_of(const ggml_tensor& node, ThreadTeam& team);

  const RowKernels& rows_;
  std::vector<Angles> angles_;  // layers with a sliding window may turn faster than the others
  std::size_t used_ = 0;        // of angles_, by this graph; the memory of others is kept
};

}  // namespace ggml_packed
