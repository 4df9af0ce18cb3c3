#include "sequence_store.h"

#include <algorithm>
#include <utility>

namespace llama::internal {

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

std::size_t StoredSequence::size_bytes() const {
  std::size_t sum = bytes.size() + tokens.size() * sizeof(Token);
  for (const auto& checkpoint : checkpoints) sum += checkpoint.bytes.size();
  return sum;
}

void SequenceStore::put(StoredSequence sequence) {
  std::erase_if(sequences_, [&](const StoredSequence& old) {
    const bool covered = common_prefix(old.tokens, sequence.tokens) == old.tokens.size();
    if (covered) size_ -= old.size_bytes();
    return covered;
  });
  if (sequence.size_bytes() > limit_) return;
  size_ += sequence.size_bytes();
  sequences_.push_back(std::move(sequence));
  while (size_ > limit_) {
    size_ -= sequences_.front().size_bytes();
    sequences_.erase(sequences_.begin());
  }
}

std::optional<SequenceStore::Match> SequenceStore::find(std::span<const Token> prompt) const {
  std::optional<Match> best;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    const std::size_t common = common_prefix(sequences_[i].tokens, prompt);
    if (common > 0 && (!best || common > best->common)) best = Match{i, common};
  }
  return best;
}

StoredSequence SequenceStore::take(std::size_t index) {
  StoredSequence sequence = std::move(sequences_[index]);
  sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(index));
  size_ -= sequence.size_bytes();
  return sequence;
}

}  // namespace llama::internal
