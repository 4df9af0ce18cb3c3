#include "map/page_columns.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

namespace llama::internal {
namespace {

using Texts = std::vector<std::optional<std::string>>;
using Numbers = std::vector<double>;

constexpr std::size_t kAlwaysCategories = 12;  // so few different texts are categories, however few the points are

}  // namespace

PageColumn::PageColumn(const MapColumn& column, bool is_for_colors) : column_(&column) {
  if (const auto* numbers = std::get_if<Numbers>(&column.cells)) {
    bool is_first = true;
    for (const double number : *numbers) {
      if (!std::isfinite(number)) {
        ++missing_;
        continue;
      }
      low_ = is_first ? number : std::min(low_, number);
      high_ = is_first ? number : std::max(high_, number);
      is_first = false;
    }
    return;
  }
  const auto& texts = std::get<Texts>(column.cells);
  std::unordered_map<std::string_view, std::uint16_t> numbers;
  std::optional<std::uint16_t> null;
  const std::size_t most =
      is_for_colors ? kMaxCategories : std::clamp(texts.size() / 2, kAlwaysCategories, kMaxCategories);
  for (const auto& text : texts) {
    const auto next = static_cast<std::uint16_t>(categories_.size());
    if (!text && !null) null = next;
    const std::uint16_t code = text ? numbers.try_emplace(*text, next).first->second : *null;
    if (code == next) categories_.push_back(text), counts_.push_back(0);
    if (categories_.size() > most) break;
    ++counts_[code];
    codes_.push_back(code);
  }
  kind_ = categories_.size() > most ? PageColumnKind::Text : PageColumnKind::Category;
}

nlohmann::ordered_json PageColumn::about() const {
  nlohmann::ordered_json about = {{"name", column_->name}};
  if (kind_ == PageColumnKind::Text) {
    about["kind"] = "text";
  } else if (kind_ == PageColumnKind::Number) {
    about.update({{"kind", "number"}, {"low", low_}, {"high", high_}, {"missing", missing_}});
  } else {
    auto names = nlohmann::ordered_json::array();
    for (const auto& name : categories_)
      names.push_back(name ? nlohmann::ordered_json(*name) : nlohmann::ordered_json());
    about.update({{"kind", "category"}, {"categories", std::move(names)}, {"counts", counts_}});
  }
  return about;
}

void PageColumn::add(std::string_view name, std::span<const std::uint32_t> points, PageBlock& block) const {
  if (kind_ == PageColumnKind::Category) {
    std::vector<std::uint16_t> codes;
    for (const std::uint32_t point : points) codes.push_back(codes_[point]);
    block.add(name, codes);
  } else if (kind_ == PageColumnKind::Number) {
    std::vector<double> numbers;
    for (const std::uint32_t point : points) numbers.push_back(std::get<Numbers>(column_->cells)[point]);
    block.add(name, numbers);
  }
}

std::string_view PageColumn::text(std::uint32_t point) const {
  const auto& text = std::get<Texts>(column_->cells)[point];
  return text ? std::string_view(*text) : std::string_view();
}

bool gives_colors(const MapColumn& column) { return PageColumn(column, true).kind() != PageColumnKind::Text; }

}  // namespace llama::internal
