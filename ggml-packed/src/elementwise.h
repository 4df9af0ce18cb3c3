// Sums, products and gates, value by value: what was not fused with a product of matrices.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include "row_kernels.h"
#include "thread_team.h"

namespace ggml_packed {

// ADD and MUL of dense matrices of one shape, or of a matrix and a vector that is the same for every row; GLU.
[[nodiscard]] bool is_elementwise(const ggml_tensor& node);
void compute_elementwise(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team);

}  // namespace ggml_packed
