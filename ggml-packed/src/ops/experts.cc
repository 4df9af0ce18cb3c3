#include "ops/experts.h"

#include <algorithm>

#include "format/weight_format.h"
#include "plugin/tensor.h"

namespace ggml_packed {

void Experts::begin_graph() {
  prepared_.begin_graph();
  routed_by_ = nullptr;
}

bool Experts::takes(const ggml_tensor& node) const {
  if (node.op != GGML_OP_MUL_MAT_ID) return false;
  const ggml_tensor &weights = *node.src[0], &x = *node.src[1], &ids = *node.src[2];
  if (!can_be_packed(weights, kernels_) || weights.ne[3] != 1 || weights_.has_refused(weights)) return false;
  const bool has_ids = ids.type == GGML_TYPE_I32 && ids.nb[0] == sizeof(std::int32_t) && ggml_is_matrix(&ids);
  return has_ids && has_f32_rows(x) && x.nb[2] % sizeof(float) == 0 && x.ne[3] == 1 && x.ne[2] == ids.ne[1] &&
         (x.ne[1] == 1 || x.ne[1] == ids.ne[0]) && is_dense_f32(node);
}

bool Experts::compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue, ThreadTeam& team) {
  const ggml_tensor &weights = *node.src[0], &ids = *node.src[2];
  const Format format = *format_for(weights.type, kernels_);
  const auto experts = static_cast<std::size_t>(weights.ne[2]);
  PackedExperts* packed = weights_.find_experts(weights, layout_for(format, kernels_));
  if (packed == nullptr) return false;
  if (routed_by_ != &ids) {
    routing_.read(ids, experts);
    routed_by_ = &ids;
  }
  parts_.clear();
  for (std::size_t expert = 0; expert < experts; ++expert) {
    const std::size_t end = routing_.end(expert);
    if (routing_.begin(expert) == end) continue;
    const PackedMatrix* matrix = packed->find_or_pack(weights, expert, team);
    if (matrix == nullptr) return false;
    for (std::size_t begin = routing_.begin(expert); begin < end; begin += kRowsAtOnce) {
      parts_.push_back({.weights = matrix, .begin = begin, .end = std::min(end, begin + kRowsAtOnce)});
    }
  }
  const Activations& activations = prepared_.by_expert(*node.src[1], format, ids, routing_, team);
  const Output output{.data = floats(result),
                      .stride = static_cast<std::size_t>(node.ne[0]),
                      .epilogue = epilogue,
                      .places = routing_.pairs().data()};
  const std::size_t panels = parts_.front().weights->panels();
  const std::size_t pieces = parts_.size() * panels;
  team.for_each_at_home(pieces, [&](std::size_t i) {
    const Part& part = parts_[i / panels];
    const std::size_t after = i + 1;
    const std::byte* next = after < pieces ? parts_[after / panels].weights->panel(after % panels) : nullptr;
    kernels_.multiply({.weights = *part.weights, .index = i % panels, .next = next}, activations, part.begin, part.end,
                      output);
  });
  return true;
}

}  // namespace ggml_packed
