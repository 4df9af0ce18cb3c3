#include "model_family.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ranges>

namespace llama::internal {
namespace {

bool has_words(std::span<const std::string> name, std::string_view wanted) {
  auto at = name.begin();
  for (const auto& word : words_of(wanted)) {
    at = std::find(at, name.end(), word);
    if (at == name.end()) return false;
    ++at;
  }
  return true;
}

bool fits_any(std::span<const std::string> name, std::string_view alternatives) {
  for (const auto part : std::views::split(alternatives, std::string_view(" | ")))
    if (!part.empty() && has_words(name, std::string_view(part))) return true;
  return false;
}

bool has_one_of(std::span<const std::string> name, std::string_view words) {
  return std::ranges::any_of(words_of(words), [&](const auto& word) { return std::ranges::contains(name, word); });
}

}  // namespace

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool is_inside = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool belongs = byte >= 0x80 || std::isalnum(byte) != 0;
    if (belongs && !is_inside) words.emplace_back();
    if (belongs) words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    is_inside = belongs;
  }
  return words;
}

const ModelFamily* family_of(const ModelNames& names) {
  std::array<std::vector<std::string>, 4> read = {words_of(names.name), words_of(names.basename), words_of(names.file),
                                                  words_of(names.repository)};
  for (const ModelFamily& family : known_families()) {
    if (std::ranges::any_of(read, [&](const auto& name) { return has_one_of(name, family.without); })) continue;
    if (std::ranges::any_of(read, [&](const auto& name) { return fits_any(name, family.words); })) return &family;
  }
  for (const ModelFamily& family : known_families())
    if (!family.architecture.empty() && family.architecture == names.architecture) return &family;
  return nullptr;
}

}  // namespace llama::internal
