// Run batches of sequences through a model and read one pooled vector per sequence, or a reranker's scores.
//
// Threads  belongs to one thread at a time; several contexts may share a Model.
// Cost     memory grows with max_tokens (scratch buffers, and a KV cache where the model has one).
// Pooling  the mean is computed here, each sequence by itself; the other kinds are llama.cpp's.
// Source   llama.h: llama_decode forwards to encode for models without memory; a unified KV cache with contiguous
//          sequences costs block-diagonal attention on the CPU; a token may belong to several sequences.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "llama-base/error.h"
#include "llama-core/model.h"
#include "llama-core/pooling.h"
#include "llama-core/token_batch.h"

struct llama_context;

namespace llama {

inline constexpr std::size_t kFewBatches = 16;

struct EmbeddingContextConfig {
  std::int32_t max_tokens = 512;    // of one batch, and so of one sequence
  std::int32_t max_sequences = 32;  // of one batch; at most max_parallel_sequences()
  std::int32_t threads = 0;         // 0: default_threads(), llama-core/processor.h
  Pooling pooling = Pooling::Mean;  // not None; Rank only of a model with a classification head
  bool warm_up = true;              // some tokens are computed at once, so that the weights are packed before the first
                                    // batch. Where another context of the model has done so there is no need.
  bool few_batches = false;  // kFewBatches at most are expected: each weight is packed for each of them and forgotten,
                             // which takes less time and no memory. More of them pack the weights to stay, of a type
                             // that takes longer to pack (other than Q8_0) the second one. No warm-up.
};

// The most sequences that llama.cpp can hold in one batch.
[[nodiscard]] std::int32_t max_parallel_sequences();

class EmbeddingContext {
 public:
  // Cost     the first context of a model packs its weights for our kernels: 0.3 s for 600 MB.
  // Errors   InvalidArgument (a number out of range, Pooling::Rank of a model without a head), OutOfMemory.
  [[nodiscard]] static Result<EmbeddingContext> create(std::shared_ptr<const Model> model,
                                                       const EmbeddingContextConfig& config);
  ~EmbeddingContext();
  EmbeddingContext(EmbeddingContext&&) noexcept;
  EmbeddingContext& operator=(EmbeddingContext&&) noexcept;

  // May the sequences of a batch, of at most `longest` tokens with their prefix, have one in common?
  //
  // Where no token depends on those after it, the keys and values of the prefix are in a cache that all sequences see,
  // and only the last token's vector is asked for: Pooling::Last (or Rank of Qwen3), causal attention, a KV cache (no
  // encoder, nothing recurrent), no sequence longer than the sliding window where the model has one.
  // Cost     a batch's time falls by the prefix's tokens for each sequence but one. A vector is the same but for
  //          rounding; with our kernels bit for bit, where prefix and sequences are all of fewer than 256 tokens or
  //          none is (doc/kernels.md: from there on attention is rounded).
  [[nodiscard]] bool takes_prefix(std::size_t longest) const;

  // Compute one batch, forgetting what came before.
  //
  // Errors   ContextFull (more tokens or sequences than configured), InvalidArgument (a token outside the
  //          vocabulary, an empty batch, a prefix that is not taken), InvalidModel (pairs, and no types of tokens),
  //          Cancelled, OutOfMemory, Internal.
  // Source   llama.cpp gives each token the first type, so that of a batch with pairs it gets the tokens' vectors: read
  //          from the file again, those of the second text moved by the difference of the types (token_rows.h).
  [[nodiscard]] Result<void> compute(const TokenBatch& batch, const std::stop_token& stop = {});

  // Shape    embedding_dimension() float32 of the batch computed last; with Pooling::Rank as many as class_labels().
  //          Valid until the next compute().
  // Errors   InvalidArgument for a sequence that the batch lacked.
  [[nodiscard]] Result<std::span<const float>> embedding(std::size_t sequence) const;

  // Of the batches from now on. 0: default_threads().
  void set_threads(std::int32_t threads);

  [[nodiscard]] const EmbeddingContextConfig& config() const;
  [[nodiscard]] std::string device() const;  // that computes it, as Model::device()

 private:
  struct State;
  explicit EmbeddingContext(std::unique_ptr<State> state);
  Result<void> warm_up();
  std::unique_ptr<State> state_;
};

}  // namespace llama
