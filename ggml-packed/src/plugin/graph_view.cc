#include "plugin/graph_view.h"

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// The tensor whose memory is read, through reshapes and views.
const ggml_tensor* origin(const ggml_tensor* t) {
  while (t->view_src != nullptr && only_names_memory(*t)) t = t->view_src;
  return t;
}

}  // namespace

GraphView::GraphView(std::span<ggml_tensor* const> nodes) {
  nodes_.reserve(nodes.size());
  reads_.reserve(nodes.size() * 2);
  for (ggml_tensor* node : nodes) {
    const bool computes = (node->flags & GGML_TENSOR_FLAG_COMPUTE) != 0;
    if (only_names_memory(*node) || ggml_is_empty(node) || !computes) {
      if ((node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0) ++reads_[origin(node)];
      continue;
    }
    nodes_.push_back(node);
    for (const ggml_tensor* source : node->src) {
      if (source != nullptr) ++reads_[origin(source)];
    }
    if (node->view_src != nullptr) ++reads_[origin(node->view_src)];
    if ((node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0) ++reads_[node];
  }
}

ggml_tensor* GraphView::only_reader(std::size_t i) const {
  if (i + 1 >= nodes_.size()) return nullptr;
  const auto found = reads_.find(nodes_[i]);
  if (found == reads_.end() || found->second != 1) return nullptr;
  ggml_tensor* next = nodes_[i + 1];
  for (const ggml_tensor* source : next->src) {
    if (source == nodes_[i]) return next;  // directly: not through a reshape
  }
  return nullptr;
}

}  // namespace ggml_packed
