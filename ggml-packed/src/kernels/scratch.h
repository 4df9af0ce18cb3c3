// Memory of one thread, kept from task to task.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace ggml_packed {

class Scratch {
 public:
  // Begins at a cache line; nullptr: there is no memory. Valid until the next call, which may keep nothing of it.
  float* floats(std::size_t count) {
    if (count > size_) {
      constexpr std::size_t kLine = 64;
      const std::size_t bytes = (count * sizeof(float) + kLine - 1) / kLine * kLine;
      memory_.reset(static_cast<float*>(std::aligned_alloc(kLine, bytes)));
      size_ = memory_ ? count : 0;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace ggml_packed
