// Pack each weight once, and share it among the contexts of a model.
//
// A packed weight lives as long as a context that uses it. It is never mistaken for another one, even where a freed
// model's address is used again: all contexts of a model are freed before it, and with the last of them its packed
// weights; and name, shape, type and samples of the bytes must agree as well.
//
// Threads  any number of caches; each is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "packed_matrix.h"

namespace ggml_packed {

class WeightCache {
 public:
  WeightCache() = default;
  // spare   bytes for weights that are larger packed than in their file; else half of what the machine can give.
  explicit WeightCache(std::uint64_t spare) : spare_(spare) {}

  // Errors   nullptr: no memory for it, or none to spare for weights that are larger packed than in their file: those
  //          may take half of what the machine can give.
  [[nodiscard]] const PackedMatrix* find_or_pack(const ggml_tensor& weights, Format format, std::size_t panel_rows,
                                                 Int8Sign sign, ThreadTeam& team);

 private:
  std::unordered_map<const void*, std::shared_ptr<const PackedMatrix>> mine_;  // by the address of the bytes
  std::optional<std::uint64_t> spare_;  // bytes left for weights that grow
};

}  // namespace ggml_packed
