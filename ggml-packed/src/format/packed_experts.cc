#include "format/packed_experts.h"

#include <new>

#include "format/file_pages.h"

namespace ggml_packed {

const PackedMatrix* PackedExperts::find_or_pack(const ggml_tensor& weights, std::size_t expert, ThreadTeam& team) {
  const std::scoped_lock lock(mutex_);
  auto& matrix = matrices_[expert];
  if (matrix) return matrix.get();
  ggml_tensor slice = weights;
  slice.ne[2] = 1;
  slice.nb[3] = slice.nb[2];
  slice.data = static_cast<std::byte*>(weights.data) + expert * weights.nb[2];
  try {
    matrix = std::make_unique<const PackedMatrix>(slice, layout_, team);
    release_file_pages(slice.data, ggml_nbytes(&slice));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return matrix.get();
}

}  // namespace ggml_packed
