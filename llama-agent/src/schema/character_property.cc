#include "character_property.h"

#include <re2/re2.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

// RE2 knows categories by their short names only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kLongNames{{{"Letter", "L"},
                                                                                    {"Cased_Letter", "LC"},
                                                                                    {"Uppercase_Letter", "Lu"},
                                                                                    {"Lowercase_Letter", "Ll"},
                                                                                    {"Titlecase_Letter", "Lt"},
                                                                                    {"Modifier_Letter", "Lm"},
                                                                                    {"Other_Letter", "Lo"},
                                                                                    {"Mark", "M"},
                                                                                    {"Combining_Mark", "M"},
                                                                                    {"Nonspacing_Mark", "Mn"},
                                                                                    {"Spacing_Mark", "Mc"},
                                                                                    {"Enclosing_Mark", "Me"},
                                                                                    {"Number", "N"},
                                                                                    {"Decimal_Number", "Nd"},
                                                                                    {"digit", "Nd"},
                                                                                    {"Letter_Number", "Nl"},
                                                                                    {"Other_Number", "No"},
                                                                                    {"Punctuation", "P"},
                                                                                    {"punct", "P"},
                                                                                    {"Connector_Punctuation", "Pc"},
                                                                                    {"Dash_Punctuation", "Pd"},
                                                                                    {"Open_Punctuation", "Ps"},
                                                                                    {"Close_Punctuation", "Pe"},
                                                                                    {"Initial_Punctuation", "Pi"},
                                                                                    {"Final_Punctuation", "Pf"},
                                                                                    {"Other_Punctuation", "Po"},
                                                                                    {"Symbol", "S"},
                                                                                    {"Math_Symbol", "Sm"},
                                                                                    {"Currency_Symbol", "Sc"},
                                                                                    {"Modifier_Symbol", "Sk"},
                                                                                    {"Other_Symbol", "So"},
                                                                                    {"Separator", "Z"},
                                                                                    {"Space_Separator", "Zs"},
                                                                                    {"Line_Separator", "Zl"},
                                                                                    {"Paragraph_Separator", "Zp"},
                                                                                    {"Control", "Cc"},
                                                                                    {"cntrl", "Cc"},
                                                                                    {"Format", "Cf"}}};

std::unique_ptr<const CodePoints> ask_re2(std::string_view name) {
  for (const std::string_view prefix : {"Script=", "sc=", "General_Category=", "gc="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  for (const auto& [long_name, short_name] : kLongNames) {
    if (name == long_name) name = short_name;
  }
  std::string expression = "\\p{" + std::string(name) + "}";
  if (name == "LC") expression = R"([\p{Lu}\p{Ll}\p{Lt}])";
  if (name == "ASCII") expression = R"([\x00-\x7F])";
  if (name == "Any") expression = R"([\x{0}-\x{10FFFF}])";
  const re2::RE2 one_of_it(expression, re2::RE2::Quiet);
  if (!one_of_it.ok()) return nullptr;
  std::vector<CodePoints::Range> ranges;
  std::array<char, 4> bytes{};
  for (char32_t c = 0; c <= kMaxCodePoint; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    if (!re2::RE2::FullMatch(std::string_view(bytes.data(), encode(c, bytes.data())), one_of_it)) continue;
    if (!ranges.empty() && ranges.back().second + 1 == c) {
      ranges.back().second = c;
    } else {
      ranges.emplace_back(c, c);
    }
  }
  return std::make_unique<const CodePoints>(std::move(ranges));
}

}  // namespace

const CodePoints* characters_of_property(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const CodePoints>, std::less<>> known;
  const std::scoped_lock lock(mutex);
  if (const auto found = known.find(name); found != known.end()) return found->second.get();
  auto set = ask_re2(name);
  if (set == nullptr) return nullptr;
  return known.emplace(name, std::move(set)).first->second.get();
}

}  // namespace llama::internal
