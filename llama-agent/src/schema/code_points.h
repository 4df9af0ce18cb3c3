// A set of characters, as sorted ranges of code points.
#pragma once

#include <compare>
#include <utility>
#include <vector>

namespace llama::internal {

constexpr char32_t kMaxCodePoint = 0x10FFFF;

class CodePoints {
 public:
  using Range = std::pair<char32_t, char32_t>;  // both ends belong to it

  CodePoints() = default;
  explicit CodePoints(std::vector<Range> ranges);

  void add(char32_t first, char32_t last);
  void add(const CodePoints& others);
  [[nodiscard]] CodePoints complement() const;
  [[nodiscard]] bool contains(char32_t code_point) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }

  auto operator<=>(const CodePoints&) const = default;

 private:
  void sort();
  std::vector<Range> ranges_;  // in order, none touching the next
};

}  // namespace llama::internal
