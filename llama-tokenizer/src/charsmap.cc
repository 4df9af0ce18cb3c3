#include "charsmap.h"

#include <format>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

constexpr std::size_t kUnitBytes = 4;

std::uint32_t little_endian(std::span<const unsigned char> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

bool is_value(std::uint32_t unit) { return (unit >> 31) != 0; }
bool ends_string(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::size_t offset(std::uint32_t unit) { return static_cast<std::size_t>(unit >> 10) << ((unit & 1U << 9) >> 6); }
std::size_t value(std::uint32_t unit) { return unit & 0x7fffffffU; }

std::unexpected<Error> unsound(std::string_view what) {
  return fail(ErrorCode::InvalidModel, std::format("the map of characters (precompiled_charsmap) {}", what));
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::span<const unsigned char> bytes) {
  if (bytes.size() < kUnitBytes) return unsound("is cut short");
  const std::size_t count = little_endian(bytes) / kUnitBytes;
  bytes = bytes.subspan(kUnitBytes);
  if (bytes.size() / kUnitBytes < count) return unsound("is cut short");
  if (count == 0) return unsound("is empty");
  Charsmap map;
  map.units_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) map.units_.push_back(little_endian(bytes.subspan(i * kUnitBytes)));
  const auto rest = bytes.subspan(count * kUnitBytes);
  map.replacements_.assign(rest.begin(), rest.end());
  if (!is_utf8(map.replacements_)) return unsound("has replacements that are not UTF-8");
  const auto starts_character = [&](std::size_t at) {
    return at >= map.replacements_.size() || (static_cast<unsigned char>(map.replacements_[at]) & 0xc0) != 0x80;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t unit = map.units_[i];
    if (is_value(unit) || !ends_string(unit)) continue;
    const std::size_t at = i ^ offset(unit);
    if (at >= count || value(map.units_[at]) > map.replacements_.size()) return unsound("points outside itself");
    if (!starts_character(value(map.units_[at]))) return unsound("points into the middle of a character");
  }
  return map;
}

std::optional<std::string_view> Charsmap::first_match(std::string_view text) const {
  std::size_t node = offset(units_[0]);
  for (const char c : text) {
    const auto label = static_cast<unsigned char>(c);
    if (label == 0) break;
    node ^= label;
    if (node >= units_.size()) break;
    const std::uint32_t unit = units_[node];
    if ((unit & 0x800000ffU) != label) break;
    node ^= offset(unit);
    if (!ends_string(unit)) continue;
    const std::string_view found = std::string_view(replacements_).substr(value(units_[node]));
    return found.substr(0, found.find('\0'));
  }
  return std::nullopt;
}

bool Charsmap::has_beginning(std::string_view beginning) const {
  std::size_t node = offset(units_[0]);
  for (const char c : beginning) {
    const auto label = static_cast<unsigned char>(c);
    node ^= label;
    if (label == 0 || node >= units_.size() || (units_[node] & 0x800000ffU) != label) return false;
    if (ends_string(units_[node])) return true;
    node ^= offset(units_[node]);
  }
  return true;
}

}  // namespace llama::internal
