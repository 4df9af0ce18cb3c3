// Operations that only move values, to another place or type: GET_ROWS, SET_ROWS, CPY, CONT, PAD.
#pragma once

#include <ggml.h>

#include "kernels/row_kernels.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

// One that move_values() knows: rows of float32 to float16 (a token's key and value), a transposed matrix made dense,
// zeros after rows, rows picked from a matrix (a token's embedding).
[[nodiscard]] bool only_moves(const ggml_tensor& node);
void move_values(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team);

}  // namespace ggml_packed
