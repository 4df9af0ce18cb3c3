#include "llama-tokenizer/unigram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <format>
#include <string>
#include <utility>

#include "added_tokens.h"
#include "best_path.h"
#include "charsmap.h"
#include "llama-base/utf8.h"
#include "precompiled_normalizer.h"

namespace llama {
namespace {

constexpr std::string_view kSpaceMarker = "\u2581";
constexpr double kUnknownPenalty = 10;
constexpr std::size_t kMaxPiece = 1024;  // bytes

// Cuts normalized text into words for the search.
struct WordSink {
  internal::BestPath path;
  const std::vector<Token>& tokens;
  bool space_prefix;
  std::size_t enough;
  bool in_word = false;

  void put_plain(std::string_view text) {
    begin();
    path.append(text);
  }
  void put(std::string_view character, internal::Traits traits) {
    if (traits.is_space()) return end();
    if (traits.is_marker()) {
      end();
      in_word = true;
    }
    begin();
    path.append(character);
  }
  void end() {
    if (in_word) path.finish();
    in_word = false;
  }
  [[nodiscard]] bool full() const { return tokens.size() >= enough; }

 private:
  void begin() {
    if (!in_word && space_prefix) path.append(kSpaceMarker);
    in_word = true;
  }
};

// The token of the byte that an entry stands for ("<0x0A>"); -1 for another entry.
int byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return -1;
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    const std::size_t digit = std::string_view("0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return -1;
    value = value * 16 + static_cast<int>(digit);
  }
  return value;
}

}  // namespace

struct UnigramTokenizer::State {
  UnigramOptions options;
  internal::ReplacementTable replacements;
  internal::PieceTable pieces;
  internal::AddedTokens added, user_defined;  // all; and those that are no special tokens
};

UnigramTokenizer::UnigramTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
UnigramTokenizer::~UnigramTokenizer() = default;
UnigramTokenizer::UnigramTokenizer(UnigramTokenizer&&) noexcept = default;
UnigramTokenizer& UnigramTokenizer::operator=(UnigramTokenizer&&) noexcept = default;

namespace {

// The published vocabulary is one list, in which special tokens have the score 0.
Result<internal::PieceTable> piece_table(std::span<const VocabularyEntry> vocabulary, const UnigramOptions& options) {
  internal::PieceTable table;
  table.unknown = options.unknown;
  table.scores.resize(vocabulary.size());
  table.lengths.resize(vocabulary.size());
  table.special.resize(vocabulary.size());
  table.longest = 4;  // a character
  std::vector<internal::PieceTrie::Entry> entries;
  std::vector<Token> bytes(256, -1);
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const VocabularyEntry& entry = vocabulary[i];
    const auto token = static_cast<Token>(i);
    const bool is_piece = entry.kind == TokenKind::Normal || entry.kind == TokenKind::Byte;
    if (entry.kind == TokenKind::Unused || entry.text.empty() || !internal::is_utf8(entry.text)) continue;
    if (entry.text.size() > kMaxPiece) {
      return fail(ErrorCode::InvalidModel, std::format("the piece {} has {} bytes", i, entry.text.size()));
    }
    if (is_piece && !std::isfinite(entry.score)) {
      return fail(ErrorCode::InvalidModel, std::format("the score of the piece {} is no number", i));
    }
    if (is_piece) {
      table.scores[i] = static_cast<double>(entry.score);
      lowest = std::min(lowest, table.scores[i]);
    }
    table.special[i] = entry.kind == TokenKind::Control || entry.kind == TokenKind::Unknown;
    table.lengths[i] = static_cast<std::uint16_t>(entry.text.size());
    table.longest = std::max(table.longest, entry.text.size());
    entries.push_back({.string = entry.text, .value = token});
    if (const int byte = byte_of(entry.text); byte >= 0) bytes[static_cast<std::size_t>(byte)] = token;
  }
  if (!std::isfinite(lowest)) lowest = 0;
  table.unknown_score = std::min(lowest, 0.0) - kUnknownPenalty;
  if (options.byte_fallback && std::ranges::find(bytes, -1) == bytes.end()) table.bytes = std::move(bytes);
  auto trie = internal::PieceTrie::build(std::move(entries));
  if (!trie) return fail(ErrorCode::InvalidModel, "the vocabulary is too large");
  table.trie = std::move(*trie);
  return table;
}

}  // namespace

Result<UnigramTokenizer> UnigramTokenizer::create(std::span<const VocabularyEntry> vocabulary,
                                                  std::span<const unsigned char> charsmap,
                                                  const UnigramOptions& options) {
  if (vocabulary.empty()) return fail(ErrorCode::InvalidModel, "the vocabulary is empty");
  if (options.unknown < 0 || static_cast<std::size_t>(options.unknown) >= vocabulary.size()) {
    return fail(ErrorCode::InvalidModel, std::format("the unknown token {} is outside the vocabulary of {}",
                                                     options.unknown, vocabulary.size()));
  }
  auto map = internal::Charsmap::parse(charsmap);
  if (!map) return std::unexpected(map.error());
  auto pieces = piece_table(vocabulary, options);
  if (!pieces) return std::unexpected(pieces.error());
  auto state = std::unique_ptr<State>(new State{.options = options,
                                                .replacements = internal::ReplacementTable(std::move(*map)),
                                                .pieces = std::move(*pieces),
                                                .added = {},
                                                .user_defined = {}});
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const VocabularyEntry& entry = vocabulary[i];
    const auto token = static_cast<Token>(i);
    const bool is_user_defined = entry.kind == TokenKind::UserDefined;
    if (!is_user_defined && !state->pieces.special[i]) continue;
    if (!internal::is_utf8(entry.text)) continue;
    if (!state->added.add(entry.text, token) || (is_user_defined && !state->user_defined.add(entry.text, token))) {
      return fail(ErrorCode::InvalidModel, "the vocabulary is too large");
    }
  }
  return UnigramTokenizer(std::move(state));
}

std::vector<Token> UnigramTokenizer::tokenize(std::string_view text, SpecialTokens special, std::size_t enough,
                                              std::span<const Token> opening) const {
  const State& state = *state_;
  std::vector<Token> tokens;
  tokens.reserve(std::min(enough, text.size() / 3) + 8);
  tokens.assign(opening.begin(), opening.end());
  WordSink sink{.path = internal::BestPath(state.pieces, special, tokens),
                .tokens = tokens,
                .space_prefix = state.options.space_prefix,
                .enough = enough};
  const auto part = [&](std::string_view raw) {
    if (sink.full()) return;
    internal::PrecompiledNormalizer(state.replacements, sink).normalize(raw);
    if (!sink.full()) sink.end();
  };
  const auto add = [&](Token token) {
    if (!sink.full()) tokens.push_back(token);
  };
  const internal::AddedTokens& added = special == SpecialTokens::Text ? state.user_defined : state.added;
  if (added.empty()) {
    part(text);
  } else {
    added.split(text, part, add);
  }
  return tokens;
}

}  // namespace llama
