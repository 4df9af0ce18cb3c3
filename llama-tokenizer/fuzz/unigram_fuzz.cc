// Unigram on any bytes, with any map of characters and any pieces: no crash, no hang, no token that does not exist; and
// what it stops early is a beginning of the whole. The first byte chooses the options. Where there is a NUL-NUL, a
// vocabulary comes before it, one entry a line (a byte for its kind, one for its score, the piece); where there is
// another, a map comes between the two.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <print>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "charsmap.h"
#include "charsmap_bytes.h"
#include "grapheme.h"
#include "llama-base/utf8.h"
#include "llama-tokenizer/unigram.h"

namespace {

using namespace llama;

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "unigram_fuzz: line {} does not hold", where.line());
  std::abort();
}

const std::vector<unsigned char>& usual_map() {
  static const auto kMap = charsmap_bytes({{"\u30ab\u3099", "\u30ac"},
                                           {"\uff76", "\u30ab"},
                                           {"e\u0301", "\u00e9"},
                                           {"a\u0323", "\u1ea1"},
                                           {"\u00bd", "1\u20442"},
                                           {"\u3000", " "},
                                           {"A", "a"},
                                           {"\u00ad", ""}});
  return kMap;
}

const std::vector<VocabularyEntry>& usual_vocabulary() {
  static const std::vector<VocabularyEntry> kVocabulary{
      {"<s>", TokenKind::Control},        {"<unk>", TokenKind::Unknown},      {"<mask>", TokenKind::Control},
      {"\u2581", TokenKind::Normal, -3},  {"a", TokenKind::Normal, -4},       {"ab", TokenKind::Normal, -6},
      {"abab", TokenKind::Normal, -9},    {"b", TokenKind::Normal, -4},       {"bb", TokenKind::Normal, -4},
      {"\u2581a", TokenKind::Normal, -4}, {"\u30ab", TokenKind::Normal, -4},  {"\u3099", TokenKind::Normal, -4},
      {"\u00e9", TokenKind::Normal, -4},  {"<extra>", TokenKind::UserDefined}};
  return kVocabulary;
}

std::vector<VocabularyEntry> read_vocabulary(std::string_view text) {
  std::vector<VocabularyEntry> vocabulary{{"<s>", TokenKind::Control}, {"<unk>", TokenKind::Unknown}};
  while (!text.empty() && vocabulary.size() < 1000) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    constexpr TokenKind kKinds[] = {TokenKind::Normal,      TokenKind::Unknown, TokenKind::Control,
                                    TokenKind::UserDefined, TokenKind::Unused,  TokenKind::Byte};
    if (line.size() > 1) {
      vocabulary.push_back({std::string(line.substr(2)),
                            kKinds[static_cast<unsigned char>(line[0]) % std::size(kKinds)],
                            static_cast<float>(static_cast<signed char>(line[1])) / 4});
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return vocabulary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto before_zeros = [&]() -> std::optional<std::string_view> {
    const std::size_t end = text.find(std::string_view("\0\0", 2));
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end + 2);
    return part;
  };
  std::vector<VocabularyEntry> own;
  std::vector<unsigned char> map = usual_map();
  if (const auto part = before_zeros()) own = read_vocabulary(*part);
  if (const auto part = before_zeros()) map.assign(part->begin(), part->end());
  const std::vector<VocabularyEntry>& vocabulary = own.empty() ? usual_vocabulary() : own;
  const SpecialTokens special = (choice & 1) == 0 ? SpecialTokens::Parse : SpecialTokens::Text;
  const std::size_t enough = choice >> 3;

  auto tokenizer = UnigramTokenizer::create(
      vocabulary, map, {.unknown = 1, .space_prefix = (choice & 2) == 0, .byte_fallback = (choice & 4) != 0});
  if (!tokenizer) {
    require(!tokenizer.error().message.empty());
    tokenizer = UnigramTokenizer::create(usual_vocabulary(), usual_map(), {.unknown = 1});
    require(tokenizer.has_value());
  }
  const std::vector<Token> tokens = tokenizer->tokenize(text, special);
  const std::size_t known = std::max(vocabulary.size(), usual_vocabulary().size());
  for (const Token token : tokens) require(token >= 0 && static_cast<std::size_t>(token) < known);
  const std::vector<Token> some = tokenizer->tokenize(text, special, enough);
  require(some.size() <= tokens.size() && (some.size() >= enough || some.size() == tokens.size()));
  require(std::equal(some.begin(), some.end(), tokens.begin()));

  // A map of any bytes answers within bounds, and with whole characters.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto any = internal::Charsmap::parse({data, size})) {
    for (std::size_t at = 0; at < std::min<std::size_t>(bytes.size(), 64); ++at) {
      if (const auto found = any->first_match(bytes.substr(at))) require(internal::is_utf8(*found));
    }
  }
  return 0;
}
