// Keep what sequences remember outside the context, so that it comes back without being computed again.
//
// The least recently used go first, when there are more bytes than the limit.
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "llama-core/model.h"

namespace llama::internal {

// What is needed to go back to a place of a sequence where its memory cannot be cut.
struct Checkpoint {
  std::int32_t length = 0;  // tokens
  std::vector<std::byte> bytes;
};

struct StoredSequence {
  std::vector<Token> tokens;
  std::vector<std::byte> bytes;
  std::vector<Checkpoint> checkpoints;
  [[nodiscard]] std::size_t size_bytes() const;
};

class SequenceStore {
 public:
  explicit SequenceStore(std::uint64_t limit_bytes) : limit_(limit_bytes) {}

  // A sequence that begins with all of another's tokens replaces it.
  void put(StoredSequence sequence);
  // The stored sequence with the longest common beginning, and its length; nothing where none shares a token.
  struct Match {
    std::size_t index;
    std::size_t common;  // tokens
  };
  [[nodiscard]] std::optional<Match> find(std::span<const Token> prompt) const;
  [[nodiscard]] StoredSequence take(std::size_t index);

  [[nodiscard]] std::size_t count() const { return sequences_.size(); }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }

 private:
  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  std::vector<StoredSequence> sequences_;  // the least recently used first
};

// How many tokens two sequences share at their beginnings.
[[nodiscard]] std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b);

}  // namespace llama::internal
