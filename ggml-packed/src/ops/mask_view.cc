#include "ops/mask_view.h"

#include <algorithm>
#include <atomic>

namespace ggml_packed {
namespace {

constexpr std::uint16_t kSeen = 0x0000, kHidden = 0xFC00;  // float16: 0 and minus infinity
constexpr std::size_t kPositionsOfQuery = 16;              // more are not worth packing: they are read as they are
constexpr std::size_t kMaxTokens = 64;                     // that are computed one by one

struct Span {
  std::size_t begin, end;  // end 0: not one run of seen positions
  bool has_numbers = false;
};

// Infinity and NaN have an exponent of ones.
bool is_finite(std::uint16_t half) { return (half & 0x7C00) != 0x7C00; }

Span seen_positions(const std::uint16_t* mask, std::size_t count) {
  std::size_t begin = 0;
  while (begin < count && mask[begin] == kHidden) ++begin;
  std::size_t end = begin;
  bool has_numbers = false;
  for (; end < count && is_finite(mask[end]); ++end) has_numbers |= mask[end] != kSeen;
  if (begin == end || !std::all_of(mask + end, mask + count, [](std::uint16_t m) { return m == kHidden; }))
    return {0, 0};
  return {begin, end, has_numbers};
}

const std::uint16_t* mask_row(const ggml_tensor& mask, std::size_t query) {
  return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(mask.data) + query * mask.nb[1]);
}

}  // namespace

MaskView::MaskView(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team) {
  if (read_texts(mask, queries, positions, team)) {
    kind_ = Kind::TextsSideBySide;
  } else if (queries <= kMaxTokens && read_cells(mask, queries, positions)) {
    kind_ = Kind::Scattered;
  }
}

bool MaskView::read_texts(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team) {
  visible_.resize(queries);
  std::vector<Span> spans(queries);
  std::atomic<bool> side_by_side = true;
  team.for_ranges(queries, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      spans[i] = seen_positions(mask_row(mask, i), positions);
      if (spans[i].end == 0) side_by_side = false;
    }
  });
  if (!side_by_side) return false;
  std::size_t packed = 0;
  for (std::size_t i = 0; i < queries; ++i) {
    const auto [begin, end, has_numbers] = spans[i];
    has_numbers_ |= has_numbers;
    // A text's queries see what overlaps with what the one before sees; the first one of another text does not.
    const bool same_text = i > 0 && begin >= spans[i - 1].begin && begin < spans[i - 1].end && end >= spans[i - 1].end;
    if (!same_text) texts_.push_back({.first_query = i, .queries = 0, .first_position = begin, .positions = 0});
    MaskedText& text = texts_.back();
    ++text.queries;
    packed += end - text.first_position - text.positions;
    text.positions = end - text.first_position;
    visible_[i] = {.begin = static_cast<std::int32_t>(begin - text.first_position),
                   .end = static_cast<std::int32_t>(end - text.first_position)};
  }
  return packed <= kPositionsOfQuery * queries;
}

bool MaskView::read_cells(const ggml_tensor& mask, std::size_t queries, std::size_t positions) {
  for (std::size_t i = 0; i < queries; ++i) {
    const std::uint16_t* row = mask_row(mask, i);
    for (std::size_t j = 0; j < positions; ++j) {
      if (row[j] == kSeen) {
        cells_.push_back(static_cast<std::int32_t>(j));
      } else if (row[j] != kHidden) {
        return false;
      }
    }
    if (cells_.size() == (cells_end_.empty() ? 0 : cells_end_.back())) return false;  // sees nothing
    cells_end_.push_back(cells_.size());
  }
  return true;
}

}  // namespace ggml_packed
