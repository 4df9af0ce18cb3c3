// Products of experts: each token is multiplied with the weights of those experts that were chosen for it (MUL_MAT_ID).
//
// Shape    weights: columns x rows x experts; activations: columns x slots (or 1, the same for all) x tokens;
//          ids: slots x tokens; results: rows x slots x tokens. The rows of each expert are gathered, multiplied as
//          one matrix and stored where they belong. A result is the same bit for bit whatever other tokens ask.
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <vector>

#include "format/weight_cache.h"
#include "kernels/kernels.h"
#include "ops/prepared_activations.h"
#include "ops/routing.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

class Experts {
 public:
  // `weights` outlives it.
  Experts(const Kernels& kernels, WeightCache& weights) : kernels_(kernels), weights_(weights), prepared_(kernels) {}

  // A MUL_MAT_ID of a model's weights of a type that we pack?
  [[nodiscard]] bool takes(const ggml_tensor& node) const;
  // False where there is no memory for the packed weights: nothing was computed. The epilogue's rows are those of the
  // results: slots x tokens.
  [[nodiscard]] bool compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue,
                             ThreadTeam& team);
  // The activations of the last graph are not those of the next.
  void begin_graph();

 private:
  // Rows of activations for one expert.
  struct Part {
    const PackedMatrix* weights;
    std::size_t begin, end;
  };

  const Kernels& kernels_;
  WeightCache& weights_;
  PreparedActivations prepared_;
  Routing routing_;
  const ggml_tensor* routed_by_ = nullptr;
  std::vector<Part> parts_;
};

}  // namespace ggml_packed
