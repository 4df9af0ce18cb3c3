// Which bytes of a file are there already.
//
// Half-open ranges, kept sorted and joined. Pure.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace llama::internal {

struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

class ByteRanges {
 public:
  void add(ByteRange range);  // an empty one is ignored
  void clear() { ranges_.clear(); }

  [[nodiscard]] const std::vector<ByteRange>& ranges() const { return ranges_; }
  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] std::uint64_t prefix() const;  // bytes from the file's start without a gap
  // What is missing of a file of `size` bytes, in pieces of at most `largest` bytes.
  [[nodiscard]] std::vector<ByteRange> missing(std::uint64_t size, std::uint64_t largest = UINT64_MAX) const;

 private:
  std::vector<ByteRange> ranges_;
};

}  // namespace llama::internal
