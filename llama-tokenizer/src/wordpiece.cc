#include "llama-tokenizer/wordpiece.h"

#include <algorithm>
#include <format>
#include <string>

#include "added_tokens.h"
#include "bert_normalizer.h"
#include "bert_words.h"
#include "longest_match.h"

namespace llama {
namespace {

using internal::BertNormalizer;
using internal::BertWords;
using internal::CharacterTable;
using internal::LongestMatch;

constexpr std::string_view kWordStart = "\u2581";

// The normalized text as a string.
struct TextSink {
  std::string text;
  void put_plain(char c, std::size_t /*offset*/) { text += c; }
  void put(char32_t c, std::size_t /*offset*/) {
    char bytes[4];
    text.append(bytes, internal::encode(c, bytes));
  }
  [[nodiscard]] static bool full() { return false; }
};

std::string normalized(const CharacterTable& table, std::string_view text) {
  TextSink sink;
  BertNormalizer(table, sink).normalize(text);
  return std::move(sink.text);
}

}  // namespace

struct WordPieceTokenizer::State {
  WordPieceOptions options;
  const CharacterTable& table;
  LongestMatch starting, continuing;  // pieces, by where in a word they stand
  internal::AddedTokens as_written, as_normalized;
};

namespace {

// Looks words up and collects their tokens.
struct TokenSink {
  const LongestMatch& starting;
  const LongestMatch& continuing;
  Token unknown;
  std::size_t enough;
  std::vector<Token>& tokens;

  void word(const internal::Word& word) {
    const std::size_t before = tokens.size();
    std::string_view rest = word.too_long ? std::string_view() : word.text;
    const LongestMatch* pieces = &starting;
    while (!rest.empty()) {
      const auto match = pieces->find(rest);
      if (!match) break;
      tokens.push_back(match->value);
      rest.remove_prefix(match->length);
      pieces = &continuing;
    }
    if (word.too_long || !rest.empty()) {
      tokens.resize(before);
      tokens.push_back(unknown);
    }
  }
  [[nodiscard]] bool full() const { return tokens.size() >= enough; }
};

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
WordPieceTokenizer::~WordPieceTokenizer() = default;
WordPieceTokenizer::WordPieceTokenizer(WordPieceTokenizer&&) noexcept = default;
WordPieceTokenizer& WordPieceTokenizer::operator=(WordPieceTokenizer&&) noexcept = default;

Result<WordPieceTokenizer> WordPieceTokenizer::create(std::span<const VocabularyEntry> vocabulary,
                                                      const WordPieceOptions& options) {
  if (vocabulary.empty()) return fail(ErrorCode::InvalidModel, "the vocabulary is empty");
  if (options.unknown < 0 || static_cast<std::size_t>(options.unknown) >= vocabulary.size()) {
    return fail(ErrorCode::InvalidModel, std::format("the unknown token {} is outside the vocabulary of {}",
                                                     options.unknown, vocabulary.size()));
  }
  auto state = std::unique_ptr<State>(new State{.options = options,
                                                .table = CharacterTable::get(options.lowercase, options.strip_accents),
                                                .starting = {},
                                                .continuing = {},
                                                .as_written = {},
                                                .as_normalized = {}});
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    std::string_view text = vocabulary[i].text;
    const bool starts_word = text.starts_with(kWordStart) && text.size() > kWordStart.size();
    const std::string_view bare = starts_word ? text.substr(kWordStart.size()) : text;
    bool added = true;
    switch (vocabulary[i].kind) {
      case TokenKind::Unknown:
      case TokenKind::Control:
        added = state->as_written.add(text, token);
        break;
      case TokenKind::UserDefined:
        added = state->as_normalized.add(normalized(state->table, bare), token);
        break;
      case TokenKind::Unused:
        break;
      default:
        added = (starts_word ? state->starting : state->continuing).add(bare, token);
    }
    if (!added) return fail(ErrorCode::InvalidModel, "the vocabulary is too large");
  }
  return WordPieceTokenizer(std::move(state));
}

std::vector<Token> WordPieceTokenizer::tokenize(std::string_view text, SpecialTokens special, std::size_t enough,
                                                std::span<const Token> opening) const {
  const State& state = *state_;
  std::vector<Token> tokens;
  tokens.reserve(std::min(enough, text.size() / 3) + 8);
  tokens.assign(opening.begin(), opening.end());
  TokenSink sink{.starting = state.starting,
                 .continuing = state.continuing,
                 .unknown = state.options.unknown,
                 .enough = enough,
                 .tokens = tokens};
  const auto plain = [&](std::string_view part) {
    BertWords words(state.table, sink);
    BertNormalizer(state.table, words).normalize(part);
    words.end_word();
  };
  const auto add = [&](Token token) {
    if (!sink.full()) tokens.push_back(token);
  };
  // Tokens that are found in normalized text need that text as a whole; few vocabularies have any.
  const auto part = [&](std::string_view raw) {
    if (sink.full()) return;
    if (state.as_normalized.empty()) return plain(raw);
    const auto words_of = [&](std::string_view clean) {
      BertWords words(state.table, sink);
      for (std::size_t at = 0; at < clean.size() && !sink.full();) {
        const internal::Decoded decoded = internal::decode(clean, at);
        words.put(decoded.character, at);
        at += decoded.length;
      }
      words.end_word();
    };
    state.as_normalized.split(normalized(state.table, raw), words_of, add);
  };
  if (special == SpecialTokens::Text || state.as_written.empty()) {
    part(text);
  } else {
    state.as_written.split(text, part, add);
  }
  return tokens;
}

}  // namespace llama
