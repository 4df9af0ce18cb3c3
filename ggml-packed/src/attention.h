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
  // False where the mask is none of texts side by side: nothing was computed.
  [[nodiscard]] bool compute(const ggml_tensor& node, ThreadTeam& team);
  void begin_graph() { mask_ = nullptr; }

 private:
  // Neighbouring queries that see the same text, from its first position on.
  struct Text {
    std::size_t first_query, queries;
    std::size_t first_position, positions;
  };

  [[nodiscard]] bool read_mask(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team);

  const Kernels& kernels_;
  const AttentionKernels& attention_;
  const ggml_tensor* mask_ = nullptr;  // that the texts were read from
  bool mask_is_plain_ = false;
  std::vector<Text> texts_;
  std::vector<std::int32_t> visible_;  // per query
};

}  // namespace ggml_packed
