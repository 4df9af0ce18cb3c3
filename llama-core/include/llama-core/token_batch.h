// Collect the tokens of several sequences for one pass through a model.
//
// Each sequence is contiguous and starts at position 0: with flash attention llama.cpp then skips the attention
// between sequences (ggml's CPU back end skips fully masked tiles).
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"

namespace llama {

class TokenBatch {
 public:
  // Append one sequence; its number is the count of those before it.
  //
  // Errors   InvalidArgument for a sequence without tokens.
  [[nodiscard]] Result<void> add_sequence(std::span<const Token> tokens);
  void clear();

  [[nodiscard]] std::size_t token_count() const { return tokens_.size(); }
  [[nodiscard]] std::size_t sequence_count() const { return sequence_count_; }

 private:
  friend class EmbeddingContext;
  std::vector<Token> tokens_;
  std::vector<std::int32_t> positions_;
  std::vector<std::int32_t> sequence_ids_;  // one per token
  std::size_t sequence_count_ = 0;
  std::size_t longest_ = 0;  // tokens
};

}  // namespace llama
