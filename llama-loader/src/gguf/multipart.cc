#include "llama-loader/multipart.h"

#include <charconv>
#include <format>

#include "llama-base/digest.h"
#include "llama-loader/detection.h"

namespace llama {
namespace {

std::optional<int> five_digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.size() != 5 || text[0] == '-')
    return std::nullopt;
  return value;
}

}  // namespace

std::string PartName::name_of(int part) const { return std::format("{}-{:05}-of-{:05}{}", base, part, count, ending); }

std::vector<std::string> PartName::all_names() const {
  std::vector<std::string> names;
  for (int part = 1; part <= count; ++part) names.push_back(name_of(part));
  return names;
}

std::optional<PartName> parse_part_name(std::string_view name) {
  constexpr std::string_view kShape = "-00000-of-00000.gguf";
  if (name.size() <= kShape.size()) return std::nullopt;
  const std::string_view suffix = name.substr(name.size() - kShape.size());
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || !has_gguf_ending(suffix)) return std::nullopt;
  const auto index = five_digits(suffix.substr(1, 5));
  const auto count = five_digits(suffix.substr(10, 5));
  if (!index || !count || *index < 1 || *count < 1 || *index > *count || *count > 9999) return std::nullopt;
  return PartName{std::string(name.substr(0, name.size() - kShape.size())), *index, *count,
                  std::string(suffix.substr(15))};
}

std::string sha256_of_parts(std::span<const std::string> digests) {
  if (digests.size() == 1) return digests.front();
  std::string lines;
  for (const std::string& digest : digests) lines += digest + "\n";
  return internal::digest_of(lines, internal::DigestKind::Sha256).hex;
}

}  // namespace llama
