// Weights that are asked for while others are multiplied, a few lines at a time, into the second cache.
//
// A panel that nobody has read since the last pass comes from memory, and no CPU looks so far ahead by itself: the
// first rows of activations would wait for it.
//
// Threads  one.
#pragma once

#include <algorithm>
#include <cstddef>

namespace ggml_packed {

class LinesAhead {
 public:
  LinesAhead() = default;
  // nullptr: nothing.
  LinesAhead(const std::byte* begin, std::size_t bytes) : at_(begin), end_(begin == nullptr ? begin : begin + bytes) {}

  // That many steps are to come; in each of them so many lines at most, since more wait for each other.
  void share_among(std::size_t steps, std::size_t max_lines) {
    const std::size_t lines = left() / kLine;
    each_ = std::min(lines / std::max<std::size_t>(steps, 1) + 1, max_lines) * kLine;
  }

  [[gnu::always_inline]] void fetch_some() {
    for (const std::byte* until = at_ + std::min(each_, left()); at_ < until; at_ += kLine)
      __builtin_prefetch(at_, 0, 2);
  }

 private:
  static constexpr std::size_t kLine = 64;
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  const std::byte *at_ = nullptr, *end_ = nullptr;
  std::size_t each_ = 0;  // bytes a step
};

}  // namespace ggml_packed
