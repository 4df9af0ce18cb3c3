// Decide how a column of a table is kept in a map's page, and put its cells into blocks.
//
// A column of texts with few different ones becomes codes and a list of them; others stay texts. Few are half as many
// as there are points, or 12; and as many as give colours where the column is asked for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-vectors/map_page.h"
#include "map/page_block.h"

namespace llama::internal {

inline constexpr std::size_t kMaxCategories = 1000;  // that give colours

enum class PageColumnKind { Category, Number, Text };

class PageColumn {
 public:
  explicit PageColumn(const MapColumn& column, bool is_for_colors = false);

  [[nodiscard]] PageColumnKind kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return column_->name; }
  [[nodiscard]] nlohmann::ordered_json about() const;
  // The codes or numbers of some points; nothing of a column of texts.
  void add(std::string_view name, std::span<const std::uint32_t> points, PageBlock& block) const;
  // Requires  a column of texts.
  [[nodiscard]] std::string_view text(std::uint32_t point) const;

 private:
  const MapColumn* column_;
  PageColumnKind kind_ = PageColumnKind::Number;
  std::vector<std::optional<std::string>> categories_;
  std::vector<std::size_t> counts_;   // of each category
  std::vector<std::uint16_t> codes_;  // of each point
  double low_ = 0, high_ = 0;
  std::size_t missing_ = 0;
};

// Numbers, or texts with at most kMaxCategories different ones.
[[nodiscard]] bool gives_colors(const MapColumn& column);

}  // namespace llama::internal
