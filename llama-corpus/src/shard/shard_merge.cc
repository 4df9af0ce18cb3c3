#include "llama-corpus/shard_merge.h"

#include <algorithm>
#include <format>

namespace llama {

Result<void> ShardMerge::advance(std::uint32_t shard, std::uint64_t least) {
  const auto row = next_row_(shard);
  if (!row) return std::unexpected(row.error());
  if (!*row) return {};
  if (**row % count_ != shard)
    return fail(ErrorCode::Corrupt,
                std::format("shard {}/{} has row {}, which is shard {}'s", shard, count_, **row, **row % count_));
  if (**row < least)
    return fail(ErrorCode::Corrupt, std::format("shard {}/{} has row {} after row {}", shard, count_, **row, least));
  heads_.push_back({**row, shard});
  std::ranges::push_heap(heads_, std::greater{});
  return {};
}

Result<std::optional<std::uint32_t>> ShardMerge::next() {
  if (!has_begun_) {
    for (std::uint32_t shard = 0; shard < count_; ++shard)
      if (auto done = advance(shard, 0); !done) return std::unexpected(std::move(done.error()));
    has_begun_ = true;
  } else if (last_) {
    if (auto done = advance(last_->shard, last_->row); !done) return std::unexpected(std::move(done.error()));
  }
  last_.reset();
  if (heads_.empty()) return std::nullopt;
  std::ranges::pop_heap(heads_, std::greater{});
  last_ = heads_.back();
  heads_.pop_back();
  return last_->shard;
}

}  // namespace llama
