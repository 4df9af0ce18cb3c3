// Products of packed weights with activations, and what follows them in the same pass over the results.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <vector>

#include "format/weight_cache.h"
#include "kernels/kernels.h"
#include "ops/prepared_activations.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

class Matmul {
 public:
  // weights  outlives it.
  // widen    weights of 8 bits are kept as bfloat16 while there is memory to spare.
  Matmul(const Kernels& kernels, WeightCache& weights, bool widen)
      : kernels_(kernels), weights_(weights), widen_(widen), prepared_(kernels) {}

  // A MUL_MAT of a model's weights of a type that we pack?
  [[nodiscard]] bool takes(const ggml_tensor& node) const;
  // False where there is no memory for the packed weights: nothing was computed.
  [[nodiscard]] bool compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue,
                             ThreadTeam& team);
  // The activations of the last graph are not those of the next.
  void begin_graph() { prepared_.begin_graph(); }

 private:
  // That it may be packed in, the first that there is memory for.
  [[nodiscard]] std::vector<Layout> layouts_of(const ggml_tensor& weights) const;
  [[nodiscard]] bool multiply_passing(const ggml_tensor& node, const ggml_tensor& result, const Layout& layout,
                                      const Output& output, ThreadTeam& team);

  const Kernels& kernels_;
  WeightCache& weights_;
  bool widen_;
  PreparedActivations prepared_;
};

}  // namespace ggml_packed
