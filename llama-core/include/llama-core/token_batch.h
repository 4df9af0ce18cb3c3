// Collect the tokens of several sequences for one pass through a model.
//
// Each sequence is contiguous: with flash attention llama.cpp then skips the attention between sequences (ggml's CPU
// back end skips fully masked tiles). Its positions count from 0, or from the length of the prefix that all share.
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
  // Set the tokens that every sequence begins with: they are computed once for all. A sequence that is added has only
  // those that follow.
  //
  // Errors   InvalidArgument once there are sequences.
  // Requires a context that takes it: EmbeddingContext::takes_prefix().
  [[nodiscard]] Result<void> set_prefix(std::span<const Token> tokens);

  // Append one sequence; its number is the count of those before it.
  //
  // Errors   InvalidArgument for a sequence without tokens of its own.
  [[nodiscard]] Result<void> add_sequence(std::span<const Token> tokens);

  // Append two texts as one sequence, for models that tell them apart by the type of their tokens (BERT's sentences A
  // and B): tokens from `second` on are of the second type.
  //
  // Errors   InvalidArgument for no tokens, and after a prefix.
  // Requires a context whose model has two types of tokens.
  [[nodiscard]] Result<void> add_pair(std::span<const Token> tokens, std::size_t second);
  void clear();

  [[nodiscard]] std::size_t token_count() const { return tokens_.size(); }  // that are computed: the prefix once
  [[nodiscard]] std::size_t sequence_count() const { return sequence_count_; }

 private:
  friend class EmbeddingContext;
  std::vector<Token> tokens_;  // the prefix's first
  std::vector<std::int32_t> positions_;
  std::vector<std::int32_t> sequence_ids_;  // one per token; the prefix's are all sequences'
  std::vector<bool> is_second_;             // one per token, once there is a pair; else empty
  std::size_t prefix_length_ = 0;
  std::size_t sequence_count_ = 0;
  std::size_t longest_ = 0;  // tokens of a sequence, the prefix among them
};

}  // namespace llama
