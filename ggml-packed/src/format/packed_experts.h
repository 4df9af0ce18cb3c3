// A layer's experts, each packed when it is first asked: one that nobody asks costs nothing.
//
// Shape    of a three-dimensional weight: one matrix for each expert.
// Threads  any; two that ask for one expert at once pack it once.
#pragma once

#include <ggml.h>

#include <memory>
#include <mutex>
#include <vector>

#include "format/packed_matrix.h"

namespace ggml_packed {

class PackedExperts {
 public:
  PackedExperts(std::size_t count, const Layout& layout) : layout_(layout), matrices_(count) {}

  // `weights` is of all experts, and the same one in every call.
  // Errors   nullptr: no memory.
  [[nodiscard]] const PackedMatrix* find_or_pack(const ggml_tensor& weights, std::size_t expert, ThreadTeam& team);

 private:
  Layout layout_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const PackedMatrix>> matrices_;
};

}  // namespace ggml_packed
