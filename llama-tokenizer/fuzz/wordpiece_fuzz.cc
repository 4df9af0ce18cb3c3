// WordPiece on any bytes: no crash, no hang, offsets inside the text, no token that does not exist; and what it stops
// early is a beginning of the whole. The first byte chooses the options; a vocabulary may come before a NUL-NUL.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <print>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "bert_normalizer.h"
#include "bert_words.h"
#include "llama-tokenizer/composition.h"
#include "llama-tokenizer/wordpiece.h"

namespace {

using namespace llama;

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "wordpiece_fuzz: line {} does not hold", where.line());
  std::abort();
}

// Words follow each other, and lie where they say.
struct WordSink {
  std::string_view source;
  std::size_t last = 0;

  void word(const internal::Word& word) {
    require(word.begin <= word.end && word.end < source.size());
    require(word.begin >= last);
    require(!word.text.empty());
    last = word.begin;
  }
  [[nodiscard]] static bool full() { return false; }
};

const std::vector<VocabularyEntry>& usual_vocabulary() {
  static const std::vector<VocabularyEntry> kVocabulary{{"[PAD]", TokenKind::Control},
                                                        {"[UNK]", TokenKind::Control},
                                                        {"[CLS]", TokenKind::Control},
                                                        {"[SEP]", TokenKind::Control},
                                                        {"[MASK]", TokenKind::Control},
                                                        {"\u2581un"},
                                                        {"aff"},
                                                        {"able"},
                                                        {"\u2581a"},
                                                        {"\u2581,"},
                                                        {"\u2581\u4e2d"},
                                                        {"\u2581\u1112"},
                                                        {"\u1161"},
                                                        {"\u11ab"},
                                                        {"\u2581e\u0301"},
                                                        {"\u0301"},
                                                        {"b"},
                                                        {"\u2581new york", TokenKind::UserDefined},
                                                        {"\u2581x"},
                                                        {"x"},
                                                        {""},
                                                        {"\u2581x"},
                                                        {"\u2581"}};
  return kVocabulary;
}

// One entry per line, its first byte its kind.
std::vector<VocabularyEntry> read_vocabulary(std::string_view text) {
  std::vector<VocabularyEntry> vocabulary{{"[UNK]", TokenKind::Control}, {"[UNK]", TokenKind::Control}};
  while (!text.empty() && vocabulary.size() < 1000) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    constexpr TokenKind kKinds[] = {TokenKind::Normal,      TokenKind::Unknown, TokenKind::Control,
                                    TokenKind::UserDefined, TokenKind::Unused,  TokenKind::Byte};
    if (!line.empty()) {
      vocabulary.push_back(
          {std::string(line.substr(1)), kKinds[static_cast<unsigned char>(line[0]) % std::size(kKinds)]});
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
  std::vector<VocabularyEntry> own;
  if (const std::size_t end = text.find(std::string_view("\0\0", 2)); end != std::string_view::npos) {
    own = read_vocabulary(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  const std::vector<VocabularyEntry>& vocabulary = own.empty() ? usual_vocabulary() : own;
  const WordPieceOptions options{.lowercase = (choice & 1) == 0, .strip_accents = (choice & 2) == 0, .unknown = 1};
  const SpecialTokens special = (choice & 4) == 0 ? SpecialTokens::Parse : SpecialTokens::Text;
  const std::size_t enough = choice >> 3;

  const auto tokenizer = WordPieceTokenizer::create(vocabulary, options);
  require(tokenizer.has_value());
  const std::vector<Token> tokens = tokenizer->tokenize(text, special);
  for (const Token token : tokens) require(token >= 0 && static_cast<std::size_t>(token) < vocabulary.size());
  const std::vector<Token> some = tokenizer->tokenize(text, special, enough);
  require(some.size() <= tokens.size() && (some.size() >= enough || some.size() == tokens.size()));
  require(std::equal(some.begin(), some.end(), tokens.begin()));

  const auto& table = internal::CharacterTable::get(options.lowercase, options.strip_accents);
  WordSink sink{.source = text};
  internal::BertWords words(table, sink);
  internal::BertNormalizer(table, words).normalize(text);
  words.end_word();

  require(compose(compose(text)) == compose(text));
  return 0;
}
