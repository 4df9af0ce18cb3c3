#include "download/byte_ranges.h"

#include <algorithm>

namespace llama::internal {

void ByteRanges::add(ByteRange range) {
  if (range.begin >= range.end) return;
  // All that touch it become one.
  const auto first = std::ranges::lower_bound(ranges_, range.begin, {}, &ByteRange::end);
  auto last = first;
  while (last != ranges_.end() && last->begin <= range.end) {
    range.begin = std::min(range.begin, last->begin);
    range.end = std::max(range.end, last->end);
    ++last;
  }
  ranges_.insert(ranges_.erase(first, last), range);
}

std::uint64_t ByteRanges::total() const {
  std::uint64_t sum = 0;
  for (const ByteRange& range : ranges_) sum += range.size();
  return sum;
}

std::uint64_t ByteRanges::prefix() const { return ranges_.empty() || ranges_[0].begin > 0 ? 0 : ranges_[0].end; }

std::vector<ByteRange> ByteRanges::missing(std::uint64_t size, std::uint64_t largest) const {
  std::vector<ByteRange> pieces;
  const auto gap = [&](std::uint64_t begin, std::uint64_t end) {
    for (end = std::min(end, size); begin < end;) {
      const std::uint64_t length = std::min(largest, end - begin);
      pieces.push_back({begin, begin + length});
      begin += length;
    }
  };
  std::uint64_t at = 0;
  for (const ByteRange& range : ranges_) {
    gap(at, range.begin);
    at = range.end;
  }
  gap(at, size);
  return pieces;
}

}  // namespace llama::internal
