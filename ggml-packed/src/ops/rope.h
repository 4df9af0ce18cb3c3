// Rotary positions (ROPE): the angles of a graph's positions are computed once, for all layers that turn alike.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <vector>

#include "kernels/row_kernels.h"
#include "ops/rope_frequencies.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

class Rope {
 public:
  explicit Rope(const Kernels& kernels) : rows_(row_kernels(kernels)) {}
  // Whole heads or a part of them, pairs of neighbours or half of that part apart ("neox"), with factors for the
  // frequencies or without, contexts stretched by YaRN or not.
  [[nodiscard]] static bool takes(const ggml_tensor& node);
  void compute(const ggml_tensor& node, ThreadTeam& team);
  void begin_graph() { used_ = 0; }

 private:
  struct Angles {
    const ggml_tensor *positions = nullptr, *factors = nullptr;  // that they are of
    RopeParameters parameters{};
    std::vector<float> cosines, sines;  // rows of half of what is turned
  };
  const Angles& angles_of(const ggml_tensor& node, ThreadTeam& team);

  const RowKernels& rows_;
  std::vector<Angles> angles_;  // layers with a sliding window may turn faster than the others
  std::size_t used_ = 0;        // of angles_, by this graph; the memory of others is kept
};

}  // namespace ggml_packed
