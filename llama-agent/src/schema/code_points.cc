#include "code_points.h"

#include <algorithm>
#include <iterator>

namespace llama::internal {

CodePoints::CodePoints(std::vector<Range> ranges) : ranges_(std::move(ranges)) { sort(); }

void CodePoints::add(char32_t first, char32_t last) {
  ranges_.emplace_back(first, last);
  sort();
}

void CodePoints::add(const CodePoints& others) {
  ranges_.insert(ranges_.end(), others.ranges_.begin(), others.ranges_.end());
  sort();
}

void CodePoints::sort() {
  std::ranges::sort(ranges_);
  std::vector<Range> joined;
  for (const auto& [first, last] : ranges_) {
    if (!joined.empty() && first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, last);
    } else {
      joined.emplace_back(first, last);
    }
  }
  ranges_ = std::move(joined);
}

CodePoints CodePoints::complement() const {
  CodePoints others;
  char32_t next = 0;
  for (const auto& [first, last] : ranges_) {
    if (first > next) others.ranges_.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kMaxCodePoint) others.ranges_.emplace_back(next, kMaxCodePoint);
  return others;
}

bool CodePoints::contains(char32_t code_point) const {
  const auto behind = std::ranges::upper_bound(ranges_, code_point, {}, &Range::first);
  return behind != ranges_.begin() && code_point <= std::prev(behind)->second;
}

}  // namespace llama::internal
