// Byte pairs of characters on any bytes: no crash, no hang, no token that does not exist; what it stops early is a
// beginning of the whole; and no two neighbours in a word are left that could be merged. The first byte chooses.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <print>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "llama-tokenizer/word_bpe.h"

namespace {

using namespace llama;

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "word_bpe_fuzz: line {} does not hold", where.line());
  std::abort();
}

const std::vector<VocabularyEntry> kVocabulary{{"<s>", TokenKind::Control},
                                               {"<unk>", TokenKind::Unknown},
                                               {"odd", TokenKind::UserDefined},
                                               {"a"},
                                               {"b"},
                                               {"ab"},
                                               {"ba"},
                                               {"aba"},
                                               {"abab"},
                                               {"\u4f60"},
                                               {"\u597d"},
                                               {"\u4f60\u597d"},
                                               {"i"},
                                               {"\u0307"},
                                               {""},
                                               {"u", TokenKind::Unused}};
const std::vector<std::string> kMerges{"\u4f60 \u597d", "b a", "a b", "ab a", "ab ab"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const SpecialTokens special = (choice & 2) == 0 ? SpecialTokens::Parse : SpecialTokens::Text;
  const std::size_t enough = choice >> 2;
  const auto tokenizer = WordBpeTokenizer::create(kVocabulary, kMerges, {.lowercase = (choice & 1) == 0, .unknown = 1});
  require(tokenizer.has_value());
  const std::vector<Token> tokens = tokenizer->tokenize(text, special);
  for (const Token token : tokens) require(token >= 0 && static_cast<std::size_t>(token) < kVocabulary.size());
  const std::vector<Token> some = tokenizer->tokenize(text, special, enough);
  require(some.size() <= tokens.size() && (some.size() >= enough || some.size() == tokens.size()));
  require(std::equal(some.begin(), some.end(), tokens.begin()));
  if (text.find_first_not_of("ab") == std::string_view::npos) {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      const std::string pair = kVocabulary[static_cast<std::size_t>(tokens[i])].text + ' ' +
                               kVocabulary[static_cast<std::size_t>(tokens[i + 1])].text;
      require(std::ranges::find(kMerges, pair) == kMerges.end());
    }
  }
  return 0;
}
