// Attention of packed texts (FLASH_ATTN_EXT): each text pays for its own length, squared.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <vector>

#include "attention_kernels.h"
#include "thread_team.h"

namespace ggml_packed {

class Attention {
 public:
  explicit Attention(const Kernels& kernels) : kernels_(kernels), attention_(attention_kernels(kernels)) {}

  [[nodiscard]] bool takes(const ggml_tensor& node) const;
  // False where the mask is of a kind that is not ours: nothing was computed.
  [[nodiscard]] bool compute(const ggml_tensor& node, ThreadTeam& team);
  void begin_graph() { mask_ = nullptr; }

 private:
  // Neighbouring queries that see the same text, from its first position on.
  struct Text {
    std::size_t first_query, queries;
    std::size_t first_position, positions;
  };

  enum class MaskKind {
    TextsSideBySide,  // each query sees one run of positions
    Scattered,        // the cells of a conversation among others'
    Other,            // numbers that are neither 0 nor minus infinity: not ours
  };

  void read_mask(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team);
  [[nodiscard]] bool read_cells(const ggml_tensor& mask, std::size_t queries, std::size_t positions);
  [[nodiscard]] bool attend_texts(const ggml_tensor& node, ThreadTeam& team);
  [[nodiscard]] bool attend_tokens(const ggml_tensor& node, ThreadTeam& team);

  const Kernels& kernels_;
  const AttentionKernels& attention_;
  const ggml_tensor* mask_ = nullptr;  // that the texts were read from
  MaskKind kind_ = MaskKind::Other;
  std::vector<Text> texts_;
  std::vector<std::int32_t> visible_;  // per query: how many positions of its text
  std::vector<std::int32_t> cells_;    // of all queries, one's behind the other's
  std::vector<std::size_t> cells_end_;
};

}  // namespace ggml_packed
