// A graph's nodes, without the rows that nobody reads (RowsInUse): copies of those nodes that compute fewer of them.
//
// A copy computes into the beginning of its node's memory. Where a node that is computed whole meets one that is not,
// its needed rows are gathered into memory of our own.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/needed_rows.h"

namespace ggml_packed {

// The queries that an attention is to be computed for, of so many that its mask has.
struct SomeQueries {
  const Rows* rows;
  std::int64_t of;
};

class TrimmedGraph {
 public:
  TrimmedGraph(ggml_cgraph* graph, Reads reads);

  // In order, views as well.
  [[nodiscard]] std::span<ggml_tensor* const> nodes() const { return nodes_; }

  // Of an attention (FLASH_ATTN_EXT) that is to be computed for some queries: which these are. Its mask has all of
  // them still.
  [[nodiscard]] const SomeQueries* queries(const ggml_tensor& node) const;
  // The same with a mask of these queries alone, as ggml wants it.
  [[nodiscard]] ggml_tensor* with_own_mask(const ggml_tensor& node);

 private:
  [[nodiscard]] ggml_tensor* trim(const ggml_tensor& node, const NeededRows& needed);
  [[nodiscard]] ggml_tensor* pick_from_trimmed(const ggml_tensor& node);
  [[nodiscard]] ggml_tensor* operand(ggml_tensor& whole, const NeededRows& needed);
  [[nodiscard]] ggml_tensor* gathered(ggml_tensor& whole, const NeededRows& needed);
  [[nodiscard]] ggml_tensor* as_numbers(const ggml_tensor& like, Rows numbers);
  [[nodiscard]] ggml_tensor* copy_of(const ggml_tensor& tensor) { return &tensors_.emplace_back(tensor); }

  std::vector<ggml_tensor*> nodes_;
  std::unique_ptr<RowsInUse> rows_;
  std::deque<ggml_tensor> tensors_;  // addresses stay
  std::deque<Rows> numbers_;
  std::deque<std::vector<std::byte>> memory_;
  std::unordered_map<const ggml_tensor*, ggml_tensor*> trimmed_;
  std::map<std::pair<const ggml_tensor*, const Rows*>, ggml_tensor*> gathered_;
  std::unordered_map<const ggml_tensor*, SomeQueries> queries_;
};

}  // namespace ggml_packed
