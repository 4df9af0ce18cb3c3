// Weighted sums of a batch's vectors: mean pooling, which llama.cpp writes as a product of two matrices of activations.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include "row_kernels.h"
#include "thread_team.h"

namespace ggml_packed {

// A MUL_MAT of two float32 matrices that a graph computes, of which the second is small.
[[nodiscard]] bool is_pooling(const ggml_tensor& node);
// A sum's order depends on the vectors from the first weight that is not 0 to the last: not on what lies around them.
void compute_pooling(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team);

}  // namespace ggml_packed
