#include "character_table.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace llama::internal {
namespace {

bool known_to(std::uint8_t major, std::uint8_t minor, UChar32 c) {
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] != 0 && (age[0] < major || (age[0] == major && age[1] <= minor));
}

// The general category as of Unicode 8.0; unassigned where the character came later.
int category(UChar32 c) {
  switch (c) {  // those that changed since
    case 0x1885:
    case 0x1886:
      return U_OTHER_LETTER;  // now marks
    case 0xa9bd:
      return U_COMBINING_SPACING_MARK;  // now nonspacing
    case 0x1734:
    case 0x1171e:
      return U_NON_SPACING_MARK;  // now spacing
    case 0x111c9:
    case 0x166d:
      return U_OTHER_PUNCTUATION;  // now a mark, a symbol
    default:
      return known_to(8, 0, c) ? u_charType(c) : static_cast<int>(U_UNASSIGNED);
  }
}

bool is_dropped(UChar32 c, int kind) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == 0xfffd || kind == U_CONTROL_CHAR || kind == U_FORMAT_CHAR || kind == U_PRIVATE_USE_CHAR;
}

bool is_punctuation(UChar32 c, int kind) {
  if (c < 0x80) return (c > 0x20 && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7f);
  return kind == U_DASH_PUNCTUATION || kind == U_START_PUNCTUATION || kind == U_END_PUNCTUATION ||
         kind == U_CONNECTOR_PUNCTUATION || kind == U_OTHER_PUNCTUATION || kind == U_INITIAL_PUNCTUATION ||
         kind == U_FINAL_PUNCTUATION;
}

// BERT's blocks, with the tokenizers library's gap at U+2B820 to U+2B91F.
bool is_ideograph(UChar32 c) {
  constexpr std::pair<UChar32, UChar32> kBlocks[] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
                                                     {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
                                                     {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
  return std::ranges::any_of(kBlocks, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

void append_lower(char32_t c, Piece piece, std::vector<Piece>& pieces) {
  piece.character = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
  pieces.push_back(piece);
  // The one character whose lower case has two (Unicode's SpecialCasing, unconditional rows).
  if (c == 0x130) pieces.push_back({.character = 0x307, .combining_class = piece.combining_class, .kept = true});
}

std::vector<Piece> pieces_of(UChar32 c, bool lowercase, bool strip_accents, const icu::Normalizer2& nfd) {
  std::vector<Piece> pieces;
  icu::UnicodeString decomposition;
  if (!strip_accents || !known_to(9, 0, c) || nfd.getDecomposition(c, decomposition) == 0) decomposition = c;
  for (std::int32_t i = 0; i < decomposition.length(); i = decomposition.moveIndex32(i, 1)) {
    const UChar32 d = decomposition.char32At(i);
    Piece piece{.character = static_cast<char32_t>(d), .combining_class = 0, .kept = true};
    if (strip_accents) {
      piece.kept = category(d) != U_NON_SPACING_MARK;
      piece.combining_class = known_to(9, 0, d) ? u_getCombiningClass(d) : 0;
    }
    if (lowercase && piece.kept) {
      append_lower(piece.character, piece, pieces);
    } else {
      pieces.push_back(piece);
    }
  }
  return pieces;
}

}  // namespace

const CharacterTable& CharacterTable::get(bool lowercase, bool strip_accents) {
  if (lowercase && strip_accents) {
    static const CharacterTable kTable(true, true);
    return kTable;
  }
  if (lowercase) {
    static const CharacterTable kTable(true, false);
    return kTable;
  }
  if (strip_accents) {
    static const CharacterTable kTable(false, true);
    return kTable;
  }
  static const CharacterTable kTable(false, false);
  return kTable;
}

CharacterTable::CharacterTable(bool lowercase, bool strip_accents)
    : lowercase_(lowercase), strip_accents_(strip_accents) {
  for (int c = 0; c < 0x80; ++c) {
    if (u_isalnum(c)) plain_[static_cast<std::size_t>(c)] = static_cast<char>(lowercase ? u_tolower(c) : c);
  }
}

const CharacterTable::Page& CharacterTable::make_page(char32_t number) const {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);  // its data is compiled into ICU
  auto page = std::make_unique<Page>();
  for (char32_t low = 0; low < 256; ++low) {
    const auto c = static_cast<UChar32>(number << 8 | low);
    Character& entry = page->characters[low];
    const int kind = category(c);
    if (is_dropped(c, kind)) entry.flags |= Character::Dropped;
    if (u_isUWhiteSpace(c)) entry.flags |= Character::Space;
    if (is_punctuation(c, kind)) entry.flags |= Character::Punctuation;
    if (is_ideograph(c)) entry.flags |= Character::Ideograph;
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    if (surrogate || nfd == nullptr || (entry.flags & (Character::Dropped | Character::Space)) != 0) continue;
    const std::vector<Piece> pieces = pieces_of(c, lowercase_, strip_accents_, *nfd);
    const bool itself = pieces.size() == 1 && pieces[0].character == static_cast<char32_t>(c) &&
                        pieces[0].combining_class == 0 && pieces[0].kept;
    if (itself) continue;
    entry.flags |= Character::Mapped;
    entry.piece_count = static_cast<std::uint8_t>(pieces.size());
    entry.first_piece = static_cast<std::uint16_t>(page->pieces.size());
    page->pieces.insert(page->pieces.end(), pieces.begin(), pieces.end());
  }
  const std::scoped_lock lock(mutex_);
  if (const Page* made = pages_[number].load(std::memory_order_relaxed)) return *made;  // by another thread meanwhile
  made_.push_back(std::move(page));
  pages_[number].store(made_.back().get(), std::memory_order_release);
  return *made_.back();
}

}  // namespace llama::internal
