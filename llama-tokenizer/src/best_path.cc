#include "best_path.h"

#include <algorithm>
#include <bit>

namespace llama::internal {
namespace {

constexpr std::int32_t kUnreached = -1, kCharacter = -2;  // edges that are no pieces
constexpr std::size_t kStep = 4096;                       // bytes

std::size_t character_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace

BestPath::BestPath(const PieceTable& pieces, SpecialTokens special, std::vector<Token>& tokens)
    : pieces_(pieces),
      without_special_(special == SpecialTokens::Text),
      tokens_(tokens),
      edges_(1, kUnreached),
      scores_(std::bit_ceil(pieces.longest + 8)),
      mask_(scores_.size() - 1),
      patience_(2 * kStep + pieces.longest) {}

void BestPath::append(std::string_view bytes) {
  bytes_ += bytes;
  edges_.resize(bytes_.size() + 1, kUnreached);
  if (bytes_.size() - done_ < kStep + pieces_.longest) return;
  advance(bytes_.size() - pieces_.longest);
  if (bytes_.size() >= patience_) settle();
}

void BestPath::finish() {
  if (!bytes_.empty()) {
    advance(bytes_.size());
    write(bytes_.size());
  }
  write_unknown();
  bytes_.clear();
  edges_.assign(1, kUnreached);
  settled_ = done_ = 0;
  scores_[0] = 0;
  patience_ = 2 * kStep + pieces_.longest;
}

void BestPath::relax(std::size_t at, double score, std::int32_t edge) {
  double& best = this->score(at);
  if (edges_[at] != kUnreached && !(score > best)) return;
  best = score;
  edges_[at] = edge;
}

// All pieces that begin before `end`; those must lie in bytes_ whole.
void BestPath::advance(std::size_t end) {
  const std::string_view text = bytes_;
  while (done_ < end) {
    const double here = score(done_);
    const std::size_t character = character_length(text[done_]);
    bool has_character = false;
    pieces_.trie.prefixes(text.substr(done_), [&](std::size_t length, std::int32_t token) {
      const auto index = static_cast<std::size_t>(token);
      if (without_special_ && pieces_.special[index]) return;
      relax(done_ + length, pieces_.scores[index] + here, token);
      has_character = has_character || length == character;
    });
    if (!has_character) relax(done_ + character, pieces_.unknown_score + here, kCharacter);
    done_ += character;
  }
}

std::size_t BestPath::edge_length(std::size_t end) const {
  if (edges_[end] >= 0) return pieces_.lengths[static_cast<std::size_t>(edges_[end])];
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(bytes_[begin]) & 0xc0) == 0x80) --begin;
  return end - begin;
}

// Reads the ways to all places from done_ on backwards, always from the last place, until one place is left.
void BestPath::settle() {
  const std::size_t end = std::min(done_ + pieces_.longest, bytes_.size());
  marked_.assign(end + 1, false);
  std::size_t ways = 0;
  for (std::size_t at = done_; at <= end; ++at) {
    if (edges_[at] == kUnreached) continue;
    marked_[at] = true;
    ++ways;
  }
  std::size_t at = end;
  for (; ways > 0; --at) {
    if (!marked_[at]) continue;
    if (ways == 1 || at == 0) break;
    const std::size_t before = at - edge_length(at);
    if (marked_[before]) --ways;
    marked_[before] = true;
  }
  if (at > 0) {
    write(at);
    bytes_.erase(0, at);
    edges_.erase(edges_.begin(), edges_.begin() + static_cast<std::ptrdiff_t>(at));
    settled_ += at;
    done_ -= at;
  }
  patience_ = 2 * bytes_.size() + 2 * kStep + pieces_.longest;
}

// The tokens of the best way to `end`.
void BestPath::write(std::size_t end) {
  ends_.clear();
  for (std::size_t at = end; at > 0; at -= edge_length(at)) ends_.push_back(at);
  std::size_t begin = 0;
  for (; !ends_.empty(); ends_.pop_back()) {
    const std::size_t at = ends_.back();
    const std::int32_t edge = edges_[at];
    if (edge == kCharacter || edge == pieces_.unknown) {
      unknown_.append(bytes_, begin, at - begin);
    } else {
      write_unknown();
      tokens_.push_back(edge);
    }
    begin = at;
  }
}

// Unknown characters in a row are one token; together they may be spelled by a piece after all.
void BestPath::write_unknown() {
  if (unknown_.empty()) return;
  const auto whole = unknown_.size() <= pieces_.longest ? pieces_.trie.find(unknown_) : std::nullopt;
  if (whole && !(without_special_ && pieces_.special[static_cast<std::size_t>(*whole)])) {
    tokens_.push_back(*whole);
  } else if (!pieces_.bytes.empty()) {
    for (const char c : unknown_) tokens_.push_back(pieces_.bytes[static_cast<unsigned char>(c)]);
  } else {
    tokens_.push_back(pieces_.unknown);
  }
  unknown_.clear();
}

}  // namespace llama::internal
