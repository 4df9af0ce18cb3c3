// Which rows of a graph's results are read by anybody.
//
// A model's last layer computes a vector for each token, and then only some are picked: of a text its last or first
// one, of a prompt its last. What leads to the others, back to where tokens look at one another, is for nothing.
//
// Threads  immutable once made.
// Cost     a look at each node; where fewer rows are picked than there are, some hash lookups for each more.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/tensor.h"

namespace ggml_packed {

// Of a context's results, what is read by those who have it compute.
enum class Reads {
  Everything,  // nobody knows
  Outputs,     // what is marked as an output, and what another node of the graph reads
  Pooled,      // and of what is marked only what no other node reads: a pooled vector, not the tokens' own
};

// In the order in which they are picked.
using Rows = std::vector<std::int32_t>;

// Some rows, along an axis: the tokens'.
struct NeededRows {
  const Rows* rows = nullptr;
  int axis = 0;
};

// A reshape, a permutation, a part of another tensor.
[[nodiscard]] inline bool is_view(const ggml_tensor& t) { return t.op != GGML_OP_NONE && only_names_memory(t); }
// Where an axis of a view lies in what it is a view of; -1: its rows cannot be told apart there.
[[nodiscard]] int axis_below(const ggml_tensor& view, int axis);

// An operand that is no view, and where the rows lie in it; nullptr: they cannot be told apart in it.
struct RowsOfBase {
  const ggml_tensor* base = nullptr;
  int axis = 0;
};
[[nodiscard]] RowsOfBase rows_of_base(const ggml_tensor& tensor, int axis);

class RowsInUse {
 public:
  RowsInUse(std::span<ggml_tensor* const> nodes, Reads reads);

  // Is there a node of which not all rows are needed?
  [[nodiscard]] bool any() const { return !trimmed_.empty(); }
  // Of a node that is to be computed for these rows alone: all that it does, it does row by row. Else nullptr.
  [[nodiscard]] const NeededRows* trimmed(const ggml_tensor& node) const;
  // What a GET_ROWS picks of its source, the rows that are needed of it alone; nullptr: all that it says.
  [[nodiscard]] const Rows* picked(const ggml_tensor& node) const;

  // Where the rows of an operand of a trimmed node lie in it; -1: all of it is read.
  [[nodiscard]] static int axis_of_operand(const ggml_tensor& node, std::size_t operand, int axis);

 private:
  struct Demand {
    bool whole = false;
    NeededRows some;
  };
  void visit(ggml_tensor& node, Reads reads);
  void visit_pick(ggml_tensor& node, const NeededRows* needed);
  void need_whole(const ggml_tensor& operand);
  void need(const ggml_tensor& operand, const NeededRows& needed);
  const Rows* composed(const ggml_tensor& indices, const Rows* of);

  std::unordered_map<const ggml_tensor*, Demand> demands_;
  std::unordered_map<const ggml_tensor*, NeededRows> trimmed_;
  std::unordered_map<const ggml_tensor*, const Rows*> picked_;
  std::map<std::pair<const ggml_tensor*, const Rows*>, std::unique_ptr<Rows>> rows_;
};

}  // namespace ggml_packed
