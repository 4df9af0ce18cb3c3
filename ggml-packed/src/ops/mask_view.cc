#include "ops/mask_view.h"

#include <algorithm>
#include <atomic>

namespace ggml_packed {
namespace {

constexpr std::uint16_t kSeen = 0x0000, kHidden = 0xFC00;  // float16: 0 and minus infinity
constexpr std::size_t kPositionsOfQuery = 16;              // more are not worth packing: they are read as they are
constexpr std::size_t kMaxTokens = 64;                     // that are computed one by one

// Infinity and NaN have an exponent of ones.
bool is_finite(std::uint16_t half) { return (half & 0x7C00) != 0x7C00; }

const std::uint16_t* mask_row(const ggml_tensor& mask, std::size_t query) {
  return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(mask.data) + query * mask.nb[1]);
}

}  // namespace

// own is empty where a query sees something else than one run or two.
struct MaskView::Seen {
  struct Run {
    std::size_t begin = 0, end = 0;
    bool operator==(const Run&) const = default;
    [[nodiscard]] bool empty() const { return begin == end; }
    [[nodiscard]] std::size_t size() const { return end - begin; }
  };

  Seen() = default;
  Seen(const std::uint16_t* mask, std::size_t count) {
    const Run first = next_run(mask, 0, count), second = next_run(mask, first.end, count);
    if (!std::all_of(mask + second.end, mask + count, [](std::uint16_t m) { return m == kHidden; })) return;
    has_numbers = !is_plain(mask, first);
    if (second.empty()) {
      own = first;
    } else if (!has_numbers && is_plain(mask, second)) {
      shared = first;
      own = second;
    }
  }
  // The first one from `from` on; where there is none it is empty, at what is neither seen nor hidden or at the end.
  static Run next_run(const std::uint16_t* mask, std::size_t from, std::size_t count) {
    while (from < count && mask[from] == kHidden) ++from;
    Run run{.begin = from, .end = from};
    while (run.end < count && is_finite(mask[run.end])) ++run.end;
    return run;
  }
  static bool is_plain(const std::uint16_t* mask, const Run& run) {
    return std::all_of(mask + run.begin, mask + run.end, [](std::uint16_t m) { return m == kSeen; });
  }

  Run shared, own;
  bool has_numbers = false;
};

MaskView::MaskView(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team) {
  if (read_texts(mask, queries, positions, team)) {
    kind_ = Kind::TextsSideBySide;
  } else if (queries <= kMaxTokens && read_cells(mask, queries, positions)) {
    kind_ = Kind::Scattered;
  }
}

bool MaskView::read_texts(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team) {
  visible_.resize(queries);
  std::vector<Seen> seen(queries);
  std::atomic<bool> side_by_side = true;
  team.for_ranges(queries, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      seen[i] = Seen(mask_row(mask, i), positions);
      if (seen[i].own.empty()) side_by_side = false;
    }
  });
  if (!side_by_side) return false;
  for (std::size_t i = 0; i < queries; ++i) {
    if (!add_query(i, seen[i], i > 0 ? &seen[i - 1] : nullptr)) return false;
  }
  // Numbers are read at a text's own positions, one after the other: not where some of them lie elsewhere.
  const bool shares = std::ranges::any_of(texts_, [](const MaskedText& text) { return text.shared > 0; });
  return !(has_numbers_ && shares) && is_worth_packing(queries);
}

bool MaskView::add_query(std::size_t query, const Seen& seen, const Seen* before) {
  const auto [shared, own, has_numbers] = seen;
  has_numbers_ |= has_numbers;
  // A text's queries see what overlaps with what the one before sees; the first one of another text does not.
  const bool same_text = before != nullptr && shared == before->shared && own.begin >= before->own.begin &&
                         own.begin < before->own.end && own.end >= before->own.end;
  if (!same_text) {
    texts_.push_back({.first_query = query,
                      .queries = 0,
                      .first_position = own.begin,
                      .positions = 0,
                      .first_shared = shared.begin,
                      .shared = shared.size()});
  }
  MaskedText& text = texts_.back();
  // A window that has left the text's beginning, but not what it shares.
  if (text.shared > 0 && own.begin != text.first_position) return false;
  ++text.queries;
  text.positions = own.end - text.first_position;
  const std::size_t begin = text.shared > 0 ? 0 : own.begin - text.first_position;
  visible_[query] = {.begin = static_cast<std::int32_t>(begin), .end = static_cast<std::int32_t>(text.length())};
  return true;
}

// A shared beginning whose queries are among these counts once: without it, they would be computed for each text. One
// that was computed before, as in the steps of conversations, counts for each text that packs it.
bool MaskView::is_worth_packing(std::size_t queries) const {
  std::size_t packed = 0;
  for (const MaskedText& text : texts_) {
    const auto has_it = [&](const MaskedText& other) {
      return other.shared == 0 && other.first_position == text.first_shared && other.queries >= text.shared;
    };
    packed += text.positions;
    if (text.shared > 0 && std::ranges::none_of(texts_, has_it)) packed += text.shared;
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
