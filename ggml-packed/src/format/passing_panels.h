// Panels of a weight that are packed for one product and then forgotten.
//
// A weight that is needed a few times costs no memory so, and none has to be cleared for it: of the time from the
// start of a process to the vector of one line that was a quarter (doc/kernels.md).
//
// Memory   one panel for each thread.
// Threads  with(): as many at once as were told.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "format/packed_matrix.h"

namespace ggml_packed {

class PassingPanels {
 public:
  // Requires what PackedMatrix does; the weights outlive it.
  // Errors   std::bad_alloc, here alone.
  PassingPanels(const ggml_tensor& weights, const Layout& layout, int threads);

  [[nodiscard]] std::size_t count() const { return panels_; }

  // Where the weights of a panel lie; nullptr: there is none.
  [[nodiscard]] const std::byte* bytes_of(std::size_t index) const {
    return index < panels_ ? static_cast<const std::byte*>(weights_.data) + index * panel_rows_ * weights_.nb[1]
                           : nullptr;
  }

  // work(const PackedMatrix& panel), whose rows are those of that panel of the weights.
  template <class Work>
  void with(std::size_t index, const Work& work) {
    std::unique_ptr<PackedMatrix> panel = take();
    pack(index, *panel);
    work(*panel);
    put_back(std::move(panel));
  }

 private:
  [[nodiscard]] std::unique_ptr<PackedMatrix> take();
  void pack(std::size_t index, PackedMatrix& panel) const;
  void put_back(std::unique_ptr<PackedMatrix> panel);

  const ggml_tensor& weights_;
  std::size_t panel_rows_, panels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PackedMatrix>> free_;
};

}  // namespace ggml_packed
