#include "character_property.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

constexpr std::size_t kWorkOfAQuestion = 500'000;

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

// All characters in their order, as UTF-8.
class EveryCharacter {
 public:
  EveryCharacter() : text_(place_of(kMaxCodePoint + 1), '\0') {
    char* at = text_.data();
    for (char32_t c = 0; c <= kMaxCodePoint; ++c) at += is_surrogate(c) ? 0 : encode(c, at);
  }
  [[nodiscard]] std::string_view text(char32_t first, char32_t behind) const {
    return std::string_view(text_).substr(place_of(first), place_of(behind) - place_of(first));
  }

 private:
  static bool is_surrogate(char32_t c) { return c >= 0xD800 && c < 0xE000; }  // which have no UTF-8

  // How many bytes all characters before it have.
  static std::size_t place_of(char32_t c) {
    std::size_t place = std::min<char32_t>(c, 0x80);
    if (c > 0x80) place += std::size_t{2} * (std::min<char32_t>(c, 0x800) - 0x80);
    if (c > 0x800) place += std::size_t{3} * (std::min<char32_t>(c, 0xD800) - 0x800);
    if (c > 0xE000) place += std::size_t{3} * (std::min<char32_t>(c, 0x10000) - 0xE000);
    if (c > 0x10000) place += std::size_t{4} * (c - 0x10000);
    return place;
  }

  std::string text_;
};

// Which characters a class of RE2's has. RE2 says it of whole blocks; where one has some of its characters and not all,
// its parts are asked for.
class ClassAsker {
 public:
  explicit ClassAsker(const std::string& character_class)
      : any_(character_class, re2::RE2::Quiet), all_(character_class + "*", re2::RE2::Quiet) {}

  [[nodiscard]] bool knows_it() const { return any_.ok(); }

  std::vector<CodePoints::Range> ask() {
    constexpr char32_t kPlane = 0x10000;
    const EveryCharacter every;
    for (char32_t first = 0; first <= kMaxCodePoint; first += kPlane) look_at(every, first, first + kPlane);
    return std::move(ranges_);
  }

 private:
  void look_at(const EveryCharacter& every, char32_t first, char32_t behind) {
    const auto text = every.text(first, behind);
    if (text.empty() || !re2::RE2::PartialMatch(text, any_)) return;
    if (behind - first > 1 && !re2::RE2::FullMatch(text, all_)) {
      constexpr char32_t kParts = 16;
      const char32_t size = std::max<char32_t>(1, (behind - first) / kParts);
      for (char32_t part = first; part < behind; part += size) look_at(every, part, part + size);
    } else if (!ranges_.empty() && ranges_.back().second + 1 == first) {
      ranges_.back().second = behind - 1;
    } else {
      ranges_.emplace_back(first, behind - 1);
    }
  }

  re2::RE2 any_, all_;
  std::vector<CodePoints::Range> ranges_;
};

// RE2's name of it.
std::string_view short_name(std::string_view name) {
  for (const std::string_view prefix : {"Script=", "sc=", "General_Category=", "gc="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  for (const auto& [long_name, its] : kLongNames) {
    if (name == long_name) return its;
  }
  return name;
}

std::unique_ptr<const CodePoints> ask_re2(std::string_view name) {
  std::string expression = "\\p{" + std::string(name) + "}";
  if (name == "LC") expression = R"([\p{Lu}\p{Ll}\p{Lt}])";
  if (name == "ASCII") expression = R"([\x00-\x7F])";
  if (name == "Any") expression = R"([\x{0}-\x{10FFFF}])";
  ClassAsker asker(expression);
  return asker.knows_it() ? std::make_unique<const CodePoints>(asker.ask()) : nullptr;
}

}  // namespace

const CodePoints* characters_of_property(std::string_view name, SchemaWork& work) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const CodePoints>, std::less<>> known;
  name = short_name(name);
  work.spend_once(name, kWorkOfAQuestion);
  const std::scoped_lock lock(mutex);
  if (const auto found = known.find(name); found != known.end()) return found->second.get();
  auto set = ask_re2(name);
  if (set == nullptr) return nullptr;
  return known.emplace(name, std::move(set)).first->second.get();
}

}  // namespace llama::internal
