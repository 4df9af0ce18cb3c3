// Sums, products, scales, activations and gates, value by value: what was not fused with a product of matrices.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include "kernels/row_kernels.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

// ADD and MUL of matrices of one shape (a view will do), of a matrix and a vector that is the same for every row, or of
// a matrix and a number for each row; SCALE; UNARY; GLU.
[[nodiscard]] bool is_elementwise(const ggml_tensor& node);
void compute_elementwise(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team);

}  // namespace ggml_packed
