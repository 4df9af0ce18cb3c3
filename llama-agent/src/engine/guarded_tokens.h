// Find special tokens that text from outside spells out.
//
// Special are control tokens, the unknown token, and user-defined tokens that the chat template's source names:
// "<tool_call>" is one, the runs of spaces that some vocabularies have are none. An occurrence counts as soon as one
// byte of it comes from outside: what is half the template's and half a caller's is no special token either.
// Threads  immutable once filled.
// Cost     in(): one look per byte, and for a byte that begins a special token one per length that such tokens have.
#pragma once

#include <array>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llama-agent/prompt_piece.h"
#include "llama-core/model.h"

namespace llama::internal {

struct GuardedPiece {
  bool is_cut_out = false;        // has to be read as plain text, apart from what is around it
  std::vector<std::size_t> cuts;  // and in parts that begin at these bytes, ascending
};

class GuardedTokens {
 public:
  void add(VocabularyEntry entry, std::string_view template_source);
  // One for each piece.
  [[nodiscard]] std::vector<GuardedPiece> in(std::span<const PromptPiece> pieces) const;

 private:
  std::unordered_map<std::string, bool> names_;  // is it found in plain text, too?
  std::set<std::size_t> lengths_;
  std::array<bool, 256> begins_{};
};

}  // namespace llama::internal
