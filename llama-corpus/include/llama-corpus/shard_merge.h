// Bring the rows of all shards back into the input's order.
//
// A shard's rows come in that order already, and a row's number in the input says which shard it is in. Rows may be
// missing (they were skipped) and may come several times (their chunks), so that only the numbers themselves tell what
// is next: each shard has them in its column "row". Merging is then asking each shard for the number of its next row,
// and taking the least.
//
// Cost     for each row, one call and the logarithm of the number of shards.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "llama-base/error.h"

namespace llama {

class ShardMerge {
 public:
  // Goes on to the next row of shard `shard` and says its number; nothing behind its last one.
  using NextRow = std::function<Result<std::optional<std::uint64_t>>(std::uint32_t shard)>;

  ShardMerge(std::uint32_t count, NextRow next_row) : count_(count), next_row_(std::move(next_row)) {}

  // The shard whose present row is the next one of the whole; nothing at the end. After it the shard is asked for its
  // next row only by the following call, so that the caller may write the present one.
  // Errors   those of next_row; Corrupt: a row that is not that shard's, or comes before one that was there already.
  [[nodiscard]] Result<std::optional<std::uint32_t>> next();

 private:
  struct Head {
    std::uint64_t row = 0;
    std::uint32_t shard = 0;
    friend auto operator<=>(const Head&, const Head&) = default;
  };
  [[nodiscard]] Result<void> advance(std::uint32_t shard, std::uint64_t least);

  std::uint32_t count_;
  NextRow next_row_;
  std::vector<Head> heads_;  // a heap, the least first
  std::optional<Head> last_;
  bool has_begun_ = false;
};

}  // namespace llama
