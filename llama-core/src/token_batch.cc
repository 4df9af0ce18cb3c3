#include "llama-core/token_batch.h"

#include <algorithm>

namespace llama {

Result<void> TokenBatch::set_prefix(std::span<const Token> tokens) {
  if (sequence_count_ > 0) return fail(ErrorCode::InvalidArgument, "a prefix comes before the sequences");
  clear();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens_.push_back(tokens[i]);
    positions_.push_back(static_cast<std::int32_t>(i));
    sequence_ids_.push_back(0);
  }
  prefix_length_ = tokens.size();
  return {};
}

Result<void> TokenBatch::add_sequence(std::span<const Token> tokens) {
  if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "a sequence needs at least one token");
  const auto sequence = static_cast<std::int32_t>(sequence_count_++);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens_.push_back(tokens[i]);
    positions_.push_back(static_cast<std::int32_t>(prefix_length_ + i));
    sequence_ids_.push_back(sequence);
  }
  longest_ = std::max(longest_, prefix_length_ + tokens.size());
  if (!is_second_.empty()) is_second_.resize(tokens_.size(), false);
  return {};
}

Result<void> TokenBatch::add_pair(std::span<const Token> tokens, std::size_t second) {
  if (prefix_length_ > 0) return fail(ErrorCode::InvalidArgument, "a pair of texts shares no prefix");
  const std::size_t begin = tokens_.size();
  if (auto added = add_sequence(tokens); !added) return added;
  is_second_.resize(tokens_.size(), false);
  for (std::size_t i = begin + second; i < tokens_.size(); ++i) is_second_[i] = true;
  return {};
}

void TokenBatch::clear() {
  tokens_.clear();
  positions_.clear();
  sequence_ids_.clear();
  is_second_.clear();
  prefix_length_ = 0;
  sequence_count_ = 0;
  longest_ = 0;
}

}  // namespace llama
