#include "llama-tokenizer/word_bpe.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstdint>
#include <format>
#include <unordered_map>
#include <utility>

#include "added_tokens.h"
#include "llama-base/utf8.h"
#include "pair_merger.h"

namespace llama {
namespace {

constexpr char32_t kCapitalIWithDot = 0x130, kDotAbove = 0x307;

void append(char32_t c, std::string& text) {
  char bytes[4];
  text.append(bytes, internal::encode(c, bytes));
}

// One character after the other, without a look at what stands around it (a sigma at the end of a word).
std::string normalized(std::string_view text, bool lowercase) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const internal::Decoded decoded = internal::decode(text, at);
    const bool is_valid = decoded.character != 0xfffd || decoded.length > 1;
    at += decoded.length;
    if (!is_valid) continue;
    if (!lowercase) {
      append(decoded.character, clean);
    } else if (decoded.character == kCapitalIWithDot) {  // the only one that becomes two
      append(U'i', clean);
      append(kDotAbove, clean);
    } else {
      append(static_cast<char32_t>(u_tolower(static_cast<UChar32>(decoded.character))), clean);
    }
  }
  return clean;
}

using Pieces = std::unordered_map<std::string_view, Token>;

Result<internal::MergeTable> merge_table(std::span<const std::string> merges, const Pieces& pieces) {
  internal::MergeTable table;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view pair = merges[rank];
    const std::size_t space = pair.find(' ', 1);
    if (space == std::string_view::npos) {
      return fail(ErrorCode::InvalidModel, std::format("the merge {} of the vocabulary has one part only", rank));
    }
    const std::string_view left = pair.substr(0, space), right = pair.substr(space + 1);
    const auto first = pieces.find(left), second = pieces.find(right);
    const std::string whole = std::string(left).append(right);
    const auto merged = pieces.find(whole);
    if (first == pieces.end() || second == pieces.end() || merged == pieces.end()) {
      return fail(ErrorCode::InvalidModel,
                  std::format("the merge {} of the vocabulary is of pieces that it does not have", rank));
    }
    table.add(first->second, second->second, {.rank = static_cast<std::uint32_t>(rank), .merged = merged->second});
  }
  return table;
}

}  // namespace

struct WordBpeTokenizer::State {
  WordBpeOptions options;
  std::unordered_map<char32_t, Token> characters;
  internal::MergeTable merges;
  internal::AddedTokens as_written, as_normalized;
};

WordBpeTokenizer::WordBpeTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
WordBpeTokenizer::~WordBpeTokenizer() = default;
WordBpeTokenizer::WordBpeTokenizer(WordBpeTokenizer&&) noexcept = default;
WordBpeTokenizer& WordBpeTokenizer::operator=(WordBpeTokenizer&&) noexcept = default;

Result<WordBpeTokenizer> WordBpeTokenizer::create(std::span<const VocabularyEntry> vocabulary,
                                                  std::span<const std::string> merges, const WordBpeOptions& options) {
  if (vocabulary.empty()) return fail(ErrorCode::InvalidModel, "the vocabulary is empty");
  if (options.unknown < 0 || static_cast<std::size_t>(options.unknown) >= vocabulary.size()) {
    return fail(ErrorCode::InvalidModel, std::format("the unknown token {} is outside the vocabulary of {}",
                                                     options.unknown, vocabulary.size()));
  }
  auto state = std::make_unique<State>();
  state->options = options;
  Pieces pieces;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto& [text, kind, score] = vocabulary[i];
    const auto token = static_cast<Token>(i);
    if (text.empty() || kind == TokenKind::Unused) continue;
    pieces.emplace(text, token);
    const internal::Decoded first = internal::decode(text, 0);
    if (first.length == text.size() && (first.character != 0xfffd || first.length > 1)) {
      state->characters.emplace(first.character, token);
    }
    bool added = true;
    if (kind == TokenKind::Control || kind == TokenKind::Unknown) {
      added = state->as_written.add(text, token);
    } else if (kind == TokenKind::UserDefined) {
      added = state->as_normalized.add(normalized(text, options.lowercase), token);
    }
    if (!added) return fail(ErrorCode::InvalidModel, "the vocabulary is too large");
  }
  auto table = merge_table(merges, pieces);
  if (!table) return std::unexpected(table.error());
  state->merges = std::move(*table);
  return WordBpeTokenizer(std::move(state));
}

std::vector<Token> WordBpeTokenizer::tokenize(std::string_view text, SpecialTokens special, std::size_t enough,
                                              std::span<const Token> opening) const {
  const State& state = *state_;
  std::vector<Token> tokens;
  tokens.reserve(std::min(enough, text.size() / 3) + 8);
  tokens.assign(opening.begin(), opening.end());
  internal::PairMerger word(state.merges);
  const auto is_full = [&] { return tokens.size() >= enough; };
  const auto add = [&](Token token) {
    if (!is_full()) tokens.push_back(token);
  };
  const auto end_word = [&] { word.finish([&](Token token) { tokens.push_back(token); }); };
  const auto words_of = [&](std::string_view clean) {
    for (std::size_t at = 0; at < clean.size() && !is_full();) {
      const internal::Decoded decoded = internal::decode(clean, at);
      at += decoded.length;
      if (u_isUWhiteSpace(static_cast<UChar32>(decoded.character)) != 0) {
        end_word();
      } else {
        const auto known = state.characters.find(decoded.character);
        word.append(known == state.characters.end() ? state.options.unknown : known->second);
      }
    }
    end_word();
  };
  const auto part = [&](std::string_view raw) {
    if (is_full()) return;
    const std::string clean = normalized(raw, state.options.lowercase);
    if (state.as_normalized.empty()) return words_of(clean);
    state.as_normalized.split(clean, words_of, add);
  };
  if (special == SpecialTokens::Text || state.as_written.empty()) {
    part(text);
  } else {
    state.as_written.split(text, part, add);
  }
  return tokens;
}

}  // namespace llama
