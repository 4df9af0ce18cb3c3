// Pack each weight once for each layout, and share it among the contexts of a model whose kernels read that layout.
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
#include <unordered_set>

#include "format/packed_experts.h"
#include "format/packed_matrix.h"

namespace ggml_packed {

class WeightCache {
 public:
  WeightCache() = default;
  // Where a few passes are expected: a weight is kept only once it was used for more of them (passes()).
  void expect_few_passes() { keeps_at_once_ = false; }
  // spare   bytes for weights that are larger packed than in their file, and for experts; else half of what there is
  //         (available_memory.h).
  // room    bytes for all weights; else nine tenths.
  explicit WeightCache(std::uint64_t spare, std::uint64_t room = std::uint64_t{1} << 60U)
      : spare_(spare), room_(room) {}

  // A weight is packed in the layout of the first call, in which later calls find it too. Its bytes are not kept in
  // memory where they are a file's.
  //
  // Errors   nullptr: no memory for it, or none to spare for weights that are larger packed than in their file.
  [[nodiscard]] const PackedMatrix* find_or_pack(const ggml_tensor& weights, const Layout& layout, ThreadTeam& team);

  // Is it used where a few passes are expected, was it for no more than that, and has nobody packed it to stay? Then
  // its panels are to be packed one by one (PassingPanels). No where there is no memory to keep it: what computes it
  // must not depend on how often it is used.
  [[nodiscard]] bool passes(const ggml_tensor& weights, const Layout& layout);

  // A layer's experts, none of which need be packed yet.
  //
  // Memory   for all of them is counted now, whatever their type: most of a large model is experts, of which a text
  //          asks few. So it is never the next text that is too much, and what was ours once is not ggml's the next
  //          time.
  // Errors   nullptr: no memory to spare for them.
  [[nodiscard]] PackedExperts* find_experts(const ggml_tensor& weights, const Layout& layout);

  // A matrix of which only some rows are read, where they are: a vocabulary's vectors. The loader has brought all of it
  // into memory; what is read comes back by itself.
  void read_in_place(const ggml_tensor& weights);

  // Was there no memory to spare for these when they were asked for?
  [[nodiscard]] bool has_refused(const ggml_tensor& experts) const;

 private:
  bool keeps_at_once_ = true;
  [[nodiscard]] bool take(std::uint64_t bytes, bool grows);
  [[nodiscard]] bool take(const ggml_tensor& weights, const Layout& layout);  // once

  std::unordered_map<const void*, std::shared_ptr<const PackedMatrix>> matrices_;  // by the address of the bytes
  std::unordered_map<const void*, std::shared_ptr<PackedExperts>> experts_;  // nullptr: there was no memory for them
  std::unordered_set<const void*> in_place_;
  struct Passed {
    Layout layout;
    int uses = 0;
  };
  std::unordered_map<const void*, Passed> passed_;
  std::optional<std::uint64_t> spare_, room_;  // bytes left
};

}  // namespace ggml_packed
