#include "sequence_history.h"

#include <algorithm>
#include <cstring>

namespace llama::internal {

void SequenceHistory::put(const PlacedToken& token) {
  auto& tokens = mutable_of(token.sequence);
  tokens.resize(static_cast<std::size_t>(token.position));
  tokens.push_back(token.token);
}

void SequenceHistory::cut(std::int32_t sequence, std::int32_t from) {
  auto& tokens = mutable_of(sequence);
  tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(std::max(from, 0))));
}

void SequenceHistory::share(std::int32_t from, std::int32_t to, std::int32_t length) {
  if (from == to) return;
  const auto beginning = of(from).first(std::min(of(from).size(), static_cast<std::size_t>(std::max(length, 0))));
  mutable_of(to).assign(beginning.begin(), beginning.end());
}

std::span<const Token> SequenceHistory::of(std::int32_t sequence) const {
  return tokens_[static_cast<std::size_t>(sequence)];
}

std::int32_t SequenceHistory::length(std::int32_t sequence) const {
  return static_cast<std::int32_t>(of(sequence).size());
}

SequenceHistory::Beginning SequenceHistory::longest_beginning(std::int32_t sequence) const {
  Beginning best;
  const auto mine = of(sequence);
  for (std::int32_t other = 0; other < sequence; ++other) {
    const auto theirs = of(other);
    const auto common = static_cast<std::int32_t>(std::ranges::mismatch(mine, theirs).in1 - mine.begin());
    if (common > best.length) best = {other, common};
  }
  return best;
}

std::vector<std::byte> saved_header(std::span<const Token> tokens) {
  const std::uint64_t count = tokens.size();
  std::vector<std::byte> bytes(sizeof count + tokens.size_bytes());
  std::memcpy(bytes.data(), &count, sizeof count);
  if (count > 0) std::memcpy(bytes.data() + sizeof count, tokens.data(), tokens.size_bytes());
  return bytes;
}

std::optional<SavedSequence> read_saved(std::span<const std::byte> bytes) {
  std::uint64_t count = 0;
  if (bytes.size() < sizeof count) return std::nullopt;
  std::memcpy(&count, bytes.data(), sizeof count);
  bytes = bytes.subspan(sizeof count);
  if (count > bytes.size() / sizeof(Token)) return std::nullopt;
  SavedSequence saved{.tokens = std::vector<Token>(count), .state = bytes.subspan(count * sizeof(Token))};
  if (count > 0) std::memcpy(saved.tokens.data(), bytes.data(), count * sizeof(Token));
  return saved;
}

}  // namespace llama::internal
