// Attention of packed texts (FLASH_ATTN_EXT): each text pays for its own length, squared.
//
// Accuracy float32. Where the CPU has bfloat16 and the queries come from weights that are not computed in float32
//          anyway, the queries, keys, weights and values of texts of 256 tokens and more are rounded to it (8 bits of
//          mantissa); sums are not. It depends on the text alone, not on what is computed beside it; the queries of a
//          beginning that texts share are those of the first of these texts.
// Cost     a beginning that texts share is packed for each of them, at two bytes more to copy for each value.
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <memory>
#include <vector>

#include "kernels/attention_kernels.h"
#include "ops/mask_view.h"
#include "plugin/thread_team.h"
#include "plugin/trimmed_graph.h"

namespace ggml_packed {

class Attention {
 public:
  explicit Attention(const Kernels& kernels) : kernels_(kernels), attention_(attention_kernels(kernels)) {}

  [[nodiscard]] bool takes(const ggml_tensor& node) const;
  // some  of the mask's queries, whose rows alone the node has; nullptr: all.
  // False where the mask is of a kind that is not ours: nothing was computed.
  [[nodiscard]] bool compute(const ggml_tensor& node, const SomeQueries* some, ThreadTeam& team);
  void begin_graph() { masks_.clear(); }

 private:
  // Neighbouring queries of a text and the heads of one key.
  struct Task {
    const MaskedText* text;
    std::size_t head, first_query, queries;
    std::size_t first_row;  // of the queries' and the results'
  };
  [[nodiscard]] const MaskView& view_of(const ggml_tensor& mask, std::size_t queries, std::size_t positions,
                                        ThreadTeam& team);
  [[nodiscard]] Precision precision_of(const ggml_tensor& node) const;
  [[nodiscard]] std::vector<Task> tasks_of(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                                           std::size_t threads) const;
  [[nodiscard]] bool attend_texts(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                                  ThreadTeam& team) const;
  [[nodiscard]] bool attend_tokens(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                                   ThreadTeam& team) const;

  const Kernels& kernels_;
  const AttentionKernels& attention_;
  struct KnownMask {
    const ggml_tensor* mask;
    std::size_t queries;  // that read it: its first rows
    std::unique_ptr<MaskView> view;
  };
  std::vector<KnownMask> masks_;  // of the graph
};

}  // namespace ggml_packed
