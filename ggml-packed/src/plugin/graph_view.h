// A graph's nodes in order, and how often each result is read.
#pragma once

#include <ggml.h>

#include <span>
#include <unordered_map>
#include <vector>

namespace ggml_packed {

class GraphView {
 public:
  explicit GraphView(std::span<ggml_tensor* const> nodes);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] ggml_tensor* operator[](std::size_t i) const { return nodes_[i]; }
  // The node after this one that computes something, where this one's result is read by nobody else: the two may
  // become one. nullptr: none.
  [[nodiscard]] ggml_tensor* only_reader(std::size_t i) const;

 private:
  std::vector<ggml_tensor*> nodes_;  // those that compute
  std::unordered_map<const ggml_tensor*, int> reads_;
};

}  // namespace ggml_packed
