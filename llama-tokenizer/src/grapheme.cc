#include "grapheme.h"

#include <unicode/uchar.h>
#include <unicode/uvernum.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace llama::internal {
namespace {

constexpr char32_t kMarker = 0x2581;

Break break_of(UChar32 c) {
  switch (u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    case U_GCB_CR:
      return Break::CarriageReturn;
    case U_GCB_LF:
      return Break::LineFeed;
    case U_GCB_CONTROL:
      return Break::Control;
    case U_GCB_EXTEND:
      return Break::Extend;
    case U_GCB_ZWJ:
      return Break::Joiner;
    case U_GCB_SPACING_MARK:
      return Break::SpacingMark;
    case U_GCB_PREPEND:
      return Break::Prepend;
    case U_GCB_L:
      return Break::Leading;
    case U_GCB_V:
      return Break::Vowel;
    case U_GCB_T:
      return Break::Trailing;
    case U_GCB_LV:
      return Break::LeadingVowel;
    case U_GCB_LVT:
      return Break::LeadingVowelTrailing;
    case U_GCB_REGIONAL_INDICATOR:
      return Break::Regional;
    default:
      return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) ? Break::Pictograph : Break::Other;
  }
}

std::uint8_t conjunct_of([[maybe_unused]] UChar32 c) {
#if U_ICU_VERSION_MAJOR_NUM >= 76
  switch (u_getIntPropertyValue(c, UCHAR_INDIC_CONJUNCT_BREAK)) {
    case U_INCB_CONSONANT:
      return Traits::Consonant;
    case U_INCB_LINKER:
      return Traits::Linker;
    case U_INCB_EXTEND:
      return Traits::ConjunctExtend;
    default:
      break;
  }
#endif
  return 0;
}

Traits traits_of(UChar32 c) {
  UVersionInfo age;
  u_charAge(c, age);
  Traits traits;
  if (age[0] > 17) return traits;
  traits.bits = static_cast<std::uint8_t>(static_cast<std::uint8_t>(break_of(c)) | conjunct_of(c));
  if (u_isUWhiteSpace(c) != 0) traits.bits |= Traits::Space;
  if (static_cast<char32_t>(c) == kMarker) traits.bits |= Traits::Marker;
  return traits;
}

}  // namespace

const TraitsTable& TraitsTable::get() {
  static const TraitsTable kTable;
  return kTable;
}

TraitsTable::TraitsTable() {
  std::unordered_map<std::string, std::uint16_t> known;
  for (std::size_t page = 0; page < page_of_.size(); ++page) {
    Page made;
    std::string key(made.size(), '\0');
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = traits_of(static_cast<UChar32>(page * made.size() + i));
      key[i] = static_cast<char>(made[i].bits);
    }
    const auto [at, is_new] = known.emplace(std::move(key), static_cast<std::uint16_t>(pages_.size()));
    if (is_new) pages_.push_back(made);
    page_of_[page] = at->second;
  }
}

// The rules in their order; "GB" is the annex's name for each.
bool Cluster::belongs(Traits next) const {
  const auto breaks_always = [](Break b) {
    return b == Break::Control || b == Break::CarriageReturn || b == Break::LineFeed;
  };
  const Break kind = next.kind();
  if (last_ == Break::CarriageReturn && kind == Break::LineFeed) return true;  // GB3
  if (breaks_always(last_) || breaks_always(kind)) return false;               // GB4, GB5
  if (last_ == Break::Leading && (kind == Break::Leading || kind == Break::Vowel || kind == Break::LeadingVowel ||
                                  kind == Break::LeadingVowelTrailing)) {
    return true;  // GB6
  }
  if ((last_ == Break::LeadingVowel || last_ == Break::Vowel) && (kind == Break::Vowel || kind == Break::Trailing)) {
    return true;  // GB7
  }
  if ((last_ == Break::LeadingVowelTrailing || last_ == Break::Trailing) && kind == Break::Trailing)
    return true;                                                                                  // GB8
  if (kind == Break::Extend || kind == Break::Joiner || kind == Break::SpacingMark) return true;  // GB9, GB9a
  if (last_ == Break::Prepend) return true;                                                       // GB9b
  if (conjunct_ == Linked && next.conjunct() == Traits::Consonant) return true;                   // GB9c
  if (emoji_ == BaseAndJoiner && kind == Break::Pictograph) return true;                          // GB11
  return odd_regional_ && kind == Break::Regional;                                                // GB12, GB13
}

void Cluster::take(Traits next) {
  last_ = next.kind();
  odd_regional_ = last_ == Break::Regional && !odd_regional_;
  if (last_ == Break::Pictograph) {
    emoji_ = Base;
  } else if (last_ == Break::Joiner && emoji_ == Base) {
    emoji_ = BaseAndJoiner;
  } else if (last_ != Break::Extend || emoji_ != Base) {
    emoji_ = None;
  }
  if (next.conjunct() == Traits::Consonant) {
    conjunct_ = Consonant;
  } else if (next.conjunct() == Traits::Linker && conjunct_ != No) {
    conjunct_ = Linked;
  } else if (next.conjunct() != Traits::ConjunctExtend) {
    conjunct_ = No;
  }
}

}  // namespace llama::internal
