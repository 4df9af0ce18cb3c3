#include "format/passing_panels.h"

#include <algorithm>
#include <utility>

namespace ggml_packed {

PassingPanels::PassingPanels(const ggml_tensor& weights, const Layout& layout, int threads)
    : weights_(weights), panel_rows_(layout.panel_rows) {
  const auto rows = static_cast<std::size_t>(weights.ne[1]), columns = static_cast<std::size_t>(weights.ne[0]);
  panels_ = (rows + panel_rows_ - 1) / panel_rows_;
  free_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) free_.push_back(std::make_unique<PackedMatrix>(layout, panel_rows_, columns));
}

std::unique_ptr<PackedMatrix> PassingPanels::take() {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<PackedMatrix> panel = std::move(free_.back());
  free_.pop_back();
  return panel;
}

void PassingPanels::put_back(std::unique_ptr<PackedMatrix> panel) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(panel));  // within what was reserved
}

void PassingPanels::pack(std::size_t index, PackedMatrix& panel) const {
  const std::size_t first = index * panel_rows_, rows = static_cast<std::size_t>(weights_.ne[1]);
  ggml_tensor slice = weights_;
  slice.ne[1] = static_cast<std::int64_t>(std::min(panel_rows_, rows - first));
  slice.data = static_cast<std::byte*>(weights_.data) + first * weights_.nb[1];
  ThreadTeam alone(1);
  panel.pack(slice, alone);
}

}  // namespace ggml_packed
