// Which tokens go to which expert: a MUL_MAT_ID's ids, sorted.
//
// A token asks `slots` experts; a pair is a token and one of its slots, numbered token * slots + slot, as ggml's
// results lie. Sorted by expert, pairs of one expert in the order of their tokens, so that they are the rows of one
// product.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ggml_packed {

class Routing {
 public:
  // ids: int32, slots x tokens, each below `experts`: as ggml does, it ends the program where one is not.
  void read(const ggml_tensor& ids, std::size_t experts);

  // The pairs in sorted order; where in it each pair is.
  [[nodiscard]] std::span<const std::uint32_t> pairs() const { return pairs_; }
  [[nodiscard]] std::span<const std::uint32_t> places() const { return places_; }
  // An expert's places are [begin(expert), end(expert)): none, where nobody asks it.
  [[nodiscard]] std::size_t begin(std::size_t expert) const { return begins_[expert]; }
  [[nodiscard]] std::size_t end(std::size_t expert) const { return begins_[expert + 1]; }

 private:
  std::vector<std::uint32_t> pairs_, places_;
  std::vector<std::size_t> begins_;
};

}  // namespace ggml_packed
