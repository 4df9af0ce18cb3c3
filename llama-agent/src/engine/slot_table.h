// The sequences of a context: who uses them, what they remember, and where a new prompt goes.
//
// A prompt goes where the longest beginning of it is remembered already: in an idle sequence, in the store, or in any
// other sequence whose beginning can be shared. What is remembered is compared token by token.
// Threads  the engine's.
// Cost     place() compares the prompt with every sequence, in use or stored, as far as they agree, copies at most one
//          sequence's memory in, and out those that it puts aside. A checkpoint is a copy too; all else is a look at
//          every slot.
// Source   llama.h on llama_memory_seq_rm: recurrent memory and sliding windows cannot be cut anywhere, so a
//          checkpoint is put back first; one token of a prompt is always computed again, for its logits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "llama-agent/decoder.h"
#include "running.h"
#include "sequence_store.h"

namespace llama::internal {

struct Slot {
  std::int32_t id = 0;
  std::vector<Token> held;              // in the decoder's memory, position i holds held[i]
  std::vector<Checkpoint> checkpoints;  // the shortest first
  std::unique_ptr<Running> running;
  std::uint64_t used_at = 0;
  bool is_distrusted = false;  // `held` may not be what the decoder remembers
};

class SlotTable {
 public:
  SlotTable(Decoder& decoder, std::uint64_t store_limit_bytes);

  // A free slot that remembers as much of the prompt as there is; nothing while all are in use.
  [[nodiscard]] Slot* place(std::span<const Token> prompt);

  // Put idle sequences aside until that many more tokens fit. False: not enough are idle.
  bool make_room(std::int32_t tokens);

  // Keep the sequence's present place to come back to.
  void take_checkpoint(Slot& slot);
  // Bring the slot back in line with what the decoder remembers, after a computation that failed.
  void resync(Slot& slot);
  void forget(Slot& slot);
  // Something threw: forget what idle slots hold, before they are used again.
  void distrust_idle() noexcept;

  [[nodiscard]] std::span<Slot> slots() { return slots_; }
  [[nodiscard]] std::int32_t held_tokens() const;
  [[nodiscard]] const SequenceStore& store() const { return store_; }

 private:
  void forget_distrusted();
  void keep_copy(const Slot& slot);
  void put_aside(Slot& slot);
  // Make the slot hold at most the first `length` tokens of what it holds.
  void cut(Slot& slot, std::size_t length);
  [[nodiscard]] Slot* least_recently_used();

  Decoder& decoder_;
  SequenceStore store_;
  std::vector<Slot> slots_;
  std::uint64_t clock_ = 0;
};

}  // namespace llama::internal
