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
  return {};
}

void TokenBatch::clear() {
  tokens_.clear();
  positions_.clear();
  sequence_ids_.clear();
  prefix_length_ = 0;
  sequence_count_ = 0;
  longest_ = 0;
}

}  // namespace llama
