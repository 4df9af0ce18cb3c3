#include "pooled_sums.h"

#include <algorithm>
#include <vector>

#include "tensor.h"

namespace ggml_packed {

bool is_pooling(const ggml_tensor& node) {
  if (node.op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor &values = *node.src[0], &weights = *node.src[1];
  return values.op != GGML_OP_NONE && weights.op == GGML_OP_NONE && has_f32_rows(values) && has_f32_rows(weights) &&
         ggml_is_matrix(&values) && ggml_is_matrix(&weights) && is_dense_f32(node) && weights.ne[1] <= weights.ne[0];
}

void compute_pooling(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team) {
  const ggml_tensor &values = *node.src[0], &weights = *node.src[1];
  const auto row = [](const ggml_tensor& t, std::size_t i) {
    return reinterpret_cast<const float*>(static_cast<const std::byte*>(t.data) + i * t.nb[1]);
  };
  const auto positions = static_cast<std::size_t>(weights.ne[0]), sums = static_cast<std::size_t>(weights.ne[1]);
  const auto width = static_cast<std::size_t>(values.ne[1]);
  struct Range {
    std::size_t begin, end;
  };
  std::vector<Range> ranges(sums);
  for (std::size_t s = 0; s < sums; ++s) {
    const float* w = row(weights, s);
    std::size_t begin = 0, end = positions;
    while (begin < end && w[begin] == 0) ++begin;
    while (end > begin && w[end - 1] == 0) --end;
    ranges[s] = {begin, end};
  }
  team.for_ranges(width, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t s = 0; s < sums; ++s) {
      const auto [begin, end] = ranges[s];
      for (std::size_t c = first; c < last; ++c) {
        floats(node)[s * width + c] = rows.dot(row(values, c) + begin, row(weights, s) + begin, end - begin);
      }
    }
  });
}

}  // namespace ggml_packed
