// Read tokens of many sequences into a model's memory (KV cache) and get the logits of what comes next.
//
// Threads  belongs to one thread at a time; several contexts may share a Model.
// Cost     memory of context_tokens cells, shared by all sequences.
// Source   llama.h: llama_decode, llama_memory_seq_*, llama_state_seq_*; a unified KV cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"

struct llama_context;

namespace llama {

struct GenerationContextConfig {
  std::int32_t context_tokens = 4096;  // of all sequences together
  std::int32_t max_sequences = 1;      // at most max_parallel_sequences()
  std::int32_t batch_tokens = 512;     // of one decode()
  std::int32_t threads = 0;            // 0: default_threads(), llama-core/processor.h
};

// One token at its place in a sequence.
struct PlacedToken {
  Token token = 0;
  std::int32_t sequence = 0;
  std::int32_t position = 0;  // from 0, without gaps in a sequence
  bool wants_logits = false;
};

// A sequence's memory as bytes, to be put back later.
enum class MemoryPart {
  Whole,
  Checkpoint,  // only what cannot be rebuilt by cutting: a sliding window, a recurrent state
};

class GenerationContext {
 public:
  // Errors   InvalidArgument (a number out of range; a model that only embeds), OutOfMemory.
  [[nodiscard]] static Result<GenerationContext> create(std::shared_ptr<const Model> model,
                                                        const GenerationContextConfig& config);
  ~GenerationContext();
  GenerationContext(GenerationContext&&) noexcept;
  GenerationContext& operator=(GenerationContext&&) noexcept;

  // Compute one batch: at most batch_tokens, tokens of one sequence in the order of their positions, the first at its
  // length().
  //
  // Errors   ContextFull (no room; nothing was changed), InvalidArgument, Cancelled, OutOfMemory, Internal. After the
  //          last three ask length() what is left of each sequence: nothing where a recurrent state was spoilt.
  // Where a device fails, the CPU reads all sequences again and goes on: nothing is lost but the time.
  [[nodiscard]] Result<void> decode(std::span<const PlacedToken> tokens, const std::stop_token& stop = {});

  // Shape    one float32 per token of the vocabulary; valid until the next decode().
  // Errors   InvalidArgument for a token of the last batch that wanted no logits.
  [[nodiscard]] Result<std::span<const float>> logits(std::size_t index_in_batch) const;

  // A sequence that the context does not have is empty, and stays so.
  //
  // Forget a sequence from a position on. False where the memory cannot be cut there: nothing was changed then.
  [[nodiscard]] bool cut(std::int32_t sequence, std::int32_t from);
  void clear(std::int32_t sequence);
  // Let `to`, which is empty, begin as `from` does. Costs no memory.
  void share(std::int32_t from, std::int32_t to, std::int32_t length);
  [[nodiscard]] std::int32_t length(std::int32_t sequence) const;  // tokens

  // Errors   InvalidArgument (no such sequence), OutOfMemory, Internal.
  [[nodiscard]] Result<std::vector<std::byte>> save(std::int32_t sequence, MemoryPart part) const;
  // Requires for Whole an empty sequence; for Checkpoint the sequence that it was taken from.
  // Errors   InvalidArgument (no such sequence); ContextFull: no room, or bytes of another model or context.
  [[nodiscard]] Result<void> restore(std::int32_t sequence, std::span<const std::byte> bytes, MemoryPart part);

  [[nodiscard]] const GenerationContextConfig& config() const;
  [[nodiscard]] std::string device() const;  // that computes it, as Model::device()

 private:
  struct State;
  explicit GenerationContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
