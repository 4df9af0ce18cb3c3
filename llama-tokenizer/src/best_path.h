// Cut a word into the pieces whose scores add up to the most.
//
// From the word's beginning on, every place where a piece may end keeps the best sum that leads there and the last
// piece of it; of equal sums the first that was found stays: pieces that begin earlier, then shorter ones. Where no
// piece is the next character alone, the character is also tried as unknown. At the end the pieces are read backwards.
// A word may be a whole text (Thai, Chinese), so that now and then the best ways to all places that can still be
// continued are read backwards until they meet: what lies before is settled, and forgotten.
// Cost     linear in the bytes times those of the longest piece; memory for what is not settled: 5 bytes each.
// Threads  one at a time.
// Source   the tokenizers library 0.23, models/unigram/model.rs (encode_optimized, tokenize).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llama-core/model.h"
#include "piece_trie.h"

namespace llama::internal {

struct PieceTable {
  PieceTrie trie;
  std::vector<double> scores;          // by token
  std::vector<std::uint16_t> lengths;  // bytes
  std::vector<bool> special;           // tokens that no text spells where special tokens are read as text
  std::vector<Token> bytes;            // tokens of the 256 bytes, where unknown characters become those; or none
  double unknown_score = 0;
  Token unknown = 0;
  std::size_t longest = 1;  // bytes
};

class BestPath {
 public:
  BestPath(const PieceTable& pieces, SpecialTokens special, std::vector<Token>& tokens);

  // More of the word. Requires whole characters of UTF-8.
  void append(std::string_view bytes);
  // The word ends; its tokens that are not written yet are.
  void finish();

 private:
  void advance(std::size_t end);
  void relax(std::size_t at, double score, std::int32_t edge);
  void settle();
  void write(std::size_t end);
  void write_unknown();
  [[nodiscard]] std::size_t edge_length(std::size_t end) const;
  [[nodiscard]] double& score(std::size_t at) { return scores_[(settled_ + at) & mask_]; }

  const PieceTable& pieces_;
  const bool without_special_;
  std::vector<Token>& tokens_;

  std::string bytes_;                // of the word, from the last settled place on
  std::vector<std::int32_t> edges_;  // by the place where it ends: a token, kCharacter, or kUnreached
  std::vector<double> scores_;       // of the places that can still be reached, in a ring
  std::size_t mask_;                 // its size - 1
  std::size_t settled_ = 0;          // bytes before bytes_
  std::size_t done_ = 0;             // pieces that begin before are known
  std::size_t patience_;             // bytes before the next attempt to settle
  std::string unknown_;              // unknown characters in a row
  std::vector<std::size_t> ends_;    // of the pieces, backwards
  std::vector<bool> marked_;
};

}  // namespace llama::internal
