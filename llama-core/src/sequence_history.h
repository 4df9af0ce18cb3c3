// Remember the tokens of every sequence, so that another context can read them again.
//
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "llama-core/generation_context.h"

namespace llama::internal {

class SequenceHistory {
 public:
  explicit SequenceHistory(std::int32_t sequences) : tokens_(static_cast<std::size_t>(sequences)) {}

  void put(const PlacedToken& token);
  void cut(std::int32_t sequence, std::int32_t from);
  void share(std::int32_t from, std::int32_t to, std::int32_t length);
  void set(std::int32_t sequence, std::vector<Token> tokens) { mutable_of(sequence) = std::move(tokens); }

  [[nodiscard]] std::span<const Token> of(std::int32_t sequence) const;
  [[nodiscard]] std::int32_t length(std::int32_t sequence) const;
  [[nodiscard]] std::int32_t sequences() const { return static_cast<std::int32_t>(tokens_.size()); }

  // Of those before `sequence` the one that begins with most of its tokens.
  struct Beginning {
    std::int32_t sequence = 0;
    std::int32_t length = 0;
  };
  [[nodiscard]] Beginning longest_beginning(std::int32_t sequence) const;

 private:
  std::vector<Token>& mutable_of(std::int32_t sequence) { return tokens_[static_cast<std::size_t>(sequence)]; }
  std::vector<std::vector<Token>> tokens_;
};

// A saved sequence is its tokens, and after them what llama.cpp writes.
struct SavedSequence {
  std::vector<Token> tokens;
  std::span<const std::byte> state;
};
[[nodiscard]] std::vector<std::byte> saved_header(std::span<const Token> tokens);
// Nothing where the bytes are of something else.
[[nodiscard]] std::optional<SavedSequence> read_saved(std::span<const std::byte> bytes);

}  // namespace llama::internal
