#include "text_tokenizer.h"

#include <algorithm>
#include <format>
#include <limits>
#include <utility>

#include "llama-tokenizer/composition.h"
#include "vocabulary_facts.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMinPrefix = 64 << 10;  // bytes
constexpr std::size_t kBytesPerToken = 16;    // more than nearly every text has
constexpr std::string_view kEndTag = "</s>";

// The end of a prefix of about `bytes`: after a space where one is near, else between two characters.
std::size_t prefix_end(std::string_view text, std::size_t bytes) {
  const std::size_t space = text.find_last_of(" \t\v\f", bytes);
  if (space != std::string_view::npos && space > bytes / 2) return space;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return bytes;
}

}  // namespace

TextTokenizer::TextTokenizer(std::shared_ptr<const Model> model, const TextTokenizerOptions& options)
    : model_(std::move(model)), options_(options), description_("llama.cpp") {
  if (options.append_eos) appended_ = model_->eos_token();
  closing_ = appended_ ? appended_ : model_->closing_token();
}

Result<TextTokenizer> TextTokenizer::create(std::shared_ptr<const Model> model, const TextTokenizerOptions& options) {
  TextTokenizer made(std::move(model), options);
  if (options.choice == TokenizerChoice::LlamaCpp) return made;
  if (made.model_->metadata("tokenizer.ggml.model") == "bert") {
    if (auto used = made.use_wordpiece(); !used) return std::unexpected(used.error());
    return made;
  }
  if (made.model_->metadata("tokenizer.ggml.model") == "t5") {
    const auto charsmap = made.model_->precompiled_charsmap();
    if (!charsmap) return std::unexpected(charsmap.error());
    // Without a map of characters the published tokenizer is another one.
    if (!charsmap->empty()) {
      if (auto used = made.use_unigram(*charsmap); !used) return std::unexpected(used.error());
    }
    return made;
  }
  const std::string family = made.model_->metadata("tokenizer.ggml.pre");
  if (made.model_->metadata("tokenizer.ggml.model") == "gpt2" && family == "whitespace") {
    if (auto used = made.use_word_bpe(); !used) return std::unexpected(used.error());
    return made;
  }
  const auto told = flag(*made.model_, "tokenizer.ggml.normalizer.nfc");
  made.compose_ = told.value_or(family_composes(family));
  if (made.compose_) {
    made.description_ = told ? "llama.cpp after NFC (as the GGUF says)"
                             : std::format("llama.cpp after NFC (as published for '{}')", family);
  }
  if (made.model_->metadata("tokenizer.ggml.model") == "gpt2") {
    if (auto found = made.find_ordinary_tokens(); !found) return std::unexpected(found.error());
  }
  return made;
}

// What an empty text consists of, without the closing token.
Result<void> TextTokenizer::find_opening(std::size_t vocabulary_size) {
  auto around = model_->tokenize("", SpecialTokens::Text);
  if (!around) return std::unexpected(around.error());
  for (const Token token : *around) {
    if (token < 0 || std::cmp_greater_equal(token, vocabulary_size)) {
      return fail(ErrorCode::InvalidModel,
                  std::format("the special token {} is outside the vocabulary of {}", token, vocabulary_size));
    }
  }
  if (model_->closing_token() && !around->empty()) around->pop_back();
  opening_ = std::move(*around);
  return {};
}

Result<void> TextTokenizer::use_wordpiece() {
  const std::vector<VocabularyEntry> vocabulary = model_->vocabulary();
  const auto unknown = unknown_token(*model_, vocabulary);
  if (!unknown) return fail(ErrorCode::InvalidModel, "the vocabulary has no unknown token ([UNK])");
  if (auto found = find_opening(vocabulary.size()); !found) return found;

  WordPieceOptions pieces{.lowercase = true, .strip_accents = true, .unknown = *unknown};
  const auto lowercase = flag(*model_, "tokenizer.ggml.normalizer.lowercase");
  const bool cased = !lowercase && has_capitals(vocabulary);
  if (cased)
    warning_ = "the GGUF does not say whether its tokenizer lowers case; its vocabulary has capitals, so it keeps them";
  pieces.lowercase = lowercase.value_or(!cased);
  pieces.strip_accents = flag(*model_, "tokenizer.ggml.normalizer.strip_accents").value_or(pieces.lowercase);
  auto made = WordPieceTokenizer::create(vocabulary, pieces);
  if (!made) return std::unexpected(made.error());
  wordpiece_ = std::move(*made);
  description_ = std::format("WordPiece, {}, accents {}", pieces.lowercase ? "lower case" : "case kept",
                             pieces.strip_accents ? "stripped" : "kept");
  return {};
}

Result<void> TextTokenizer::use_unigram(std::span<const unsigned char> charsmap) {
  std::vector<VocabularyEntry> vocabulary = model_->vocabulary();
  const auto unknown = unknown_token(*model_, vocabulary);
  if (!unknown) return fail(ErrorCode::InvalidModel, "the vocabulary has no unknown token (<unk>)");
  if (auto found = find_opening(vocabulary.size()); !found) return found;
  // Where llama.cpp's converter reads XLM-R's vocabulary from sentencepiece's file, it knows <mask> by its number only.
  if (const auto mask = named_token(*model_, "tokenizer.ggml.mask_token_id");
      mask && static_cast<std::size_t>(*mask) < vocabulary.size()) {
    VocabularyEntry& entry = vocabulary[static_cast<std::size_t>(*mask)];
    if (entry.kind == TokenKind::Unused) entry = {.text = "<mask>", .kind = TokenKind::Control};
  }
  auto made = UnigramTokenizer::create(
      vocabulary, charsmap,
      {.unknown = *unknown, .space_prefix = flag(*model_, "tokenizer.ggml.add_space_prefix").value_or(true)});
  if (!made) return std::unexpected(made.error());
  unigram_ = std::move(*made);
  description_ = "Unigram, characters as published";
  return {};
}

Result<void> TextTokenizer::use_word_bpe() {
  const std::vector<VocabularyEntry> vocabulary = model_->vocabulary();
  const auto unknown = unknown_token(*model_, vocabulary);
  if (!unknown) return fail(ErrorCode::InvalidModel, "the vocabulary has no unknown token (<unk>)");
  if (auto found = find_opening(vocabulary.size()); !found) return found;
  const auto merges = model_->merges();
  if (!merges) return std::unexpected(merges.error());
  const bool lowercase = flag(*model_, "tokenizer.ggml.normalizer.lowercase").value_or(false);
  auto made = WordBpeTokenizer::create(vocabulary, *merges, {.lowercase = lowercase, .unknown = *unknown});
  if (!made) return std::unexpected(made.error());
  word_bpe_ = std::move(*made);
  description_ = std::format("byte pairs of characters, {}", lowercase ? "lower case" : "case kept");
  return {};
}

template <class Tokenizer>
std::vector<Token> TextTokenizer::by_own(const Tokenizer& tokenizer, std::string_view text, std::size_t enough) const {
  std::vector<Token> tokens = tokenizer.tokenize(text, options_.special, enough, opening_);
  if (model_->closing_token()) tokens.push_back(*model_->closing_token());
  return tokens;
}

// Qwen's vocabulary has "</s>" among its ordinary pieces, as HTML has it among its tags. llama.cpp ends a text with it.
Result<void> TextTokenizer::find_ordinary_tokens() {
  const std::vector<VocabularyEntry> vocabulary = model_->vocabulary();
  const auto end = std::ranges::find(vocabulary, kEndTag, &VocabularyEntry::text);
  if (end == vocabulary.end() || end->kind != TokenKind::Control) return {};
  const auto declared = model_->declared_kind(static_cast<Token>(end - vocabulary.begin()));
  if (!declared) return std::unexpected(declared.error());
  if (*declared != TokenKind::Normal) return {};
  if (auto found = find_opening(vocabulary.size()); !found) return found;
  ordinary_ = kEndTag;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const VocabularyEntry& entry = vocabulary[i];
    const bool is_special = entry.kind == TokenKind::Control || entry.kind == TokenKind::UserDefined;
    if (is_special && !entry.text.empty() && entry.text != ordinary_) {
      special_.emplace_back(entry.text, static_cast<Token>(i));
    }
  }
  return {};
}

// The special tokens are found here, so that llama.cpp can read what lies between them as plain text.
// Cost     linear in the text for each special token; only for texts that hold an ordinary one of that kind.
Result<std::vector<Token>> TextTokenizer::by_parts(std::string_view text) const {
  std::vector<Token> tokens = opening_;
  std::vector<std::size_t> next(special_.size(), 0);  // where each is found from `begin` on
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    std::size_t first = text.size();
    std::size_t which = special_.size();
    for (std::size_t i = 0; i < special_.size(); ++i) {
      if (next[i] != std::string_view::npos && (next[i] < begin || begin == 0)) {
        next[i] = text.find(special_[i].first, begin);
      }
      const bool is_longer =
          next[i] == first && which < special_.size() && special_[i].first.size() > special_[which].first.size();
      if (next[i] != std::string_view::npos && (next[i] < first || is_longer)) {
        first = next[i];
        which = i;
      }
    }
    if (first > begin) {
      const std::string_view between = text.substr(begin, first - begin);
      const auto part = compose_ ? model_->tokenize_part(compose(between), SpecialTokens::Text)
                                 : model_->tokenize_part(between, SpecialTokens::Text);
      if (!part) return std::unexpected(part.error());
      tokens.insert(tokens.end(), part->begin(), part->end());
    }
    end = first;
    if (which < special_.size()) {
      tokens.push_back(special_[which].second);
      end += special_[which].first.size();
    }
  }
  if (model_->closing_token()) tokens.push_back(*model_->closing_token());
  return tokens;
}

template <class Tokenize>
Result<std::vector<Token>> TextTokenizer::of_beginning(std::string_view text, std::size_t enough,
                                                       const Tokenize& tokenize) {
  const std::size_t likely = enough < text.size() / kBytesPerToken ? enough * kBytesPerToken : text.size();
  for (std::size_t bytes = std::max(kMinPrefix, likely);; bytes *= 4) {
    const bool whole = bytes >= text.size();
    Result<std::vector<Token>> tokens = tokenize(whole ? text : text.substr(0, prefix_end(text, bytes)));
    if (!tokens || whole || tokens->size() / 2 >= enough) return tokens;
  }
}

Result<std::vector<Token>> TextTokenizer::by_llama_cpp(std::string_view text, std::size_t enough) const {
  const bool parts = !ordinary_.empty() && options_.special == SpecialTokens::Parse && text.contains(ordinary_);
  return of_beginning(text, enough, [&](std::string_view beginning) {
    return parts      ? by_parts(beginning)
           : compose_ ? model_->tokenize(compose(beginning), options_.special)
                      : model_->tokenize(beginning, options_.special);
  });
}

Result<std::vector<Token>> TextTokenizer::part(std::string_view text, std::size_t enough) const {
  if (wordpiece_) return wordpiece_->tokenize(text, options_.special, enough);
  if (unigram_) return unigram_->tokenize(text, options_.special, enough);
  if (word_bpe_) {
    return of_beginning(text, enough, [&](std::string_view beginning) -> Result<std::vector<Token>> {
      return word_bpe_->tokenize(beginning, options_.special);
    });
  }
  return of_beginning(text, enough, [&](std::string_view beginning) {
    return model_->tokenize_part(compose_ ? compose(beginning) : std::string(beginning), options_.special);
  });
}

Result<std::vector<Token>> TextTokenizer::tokens_of(std::string_view text, std::size_t enough) const {
  std::vector<Token> tokens;
  if (wordpiece_) {
    tokens = by_own(*wordpiece_, text, enough);
  } else if (unigram_) {
    tokens = by_own(*unigram_, text, enough);
  } else if (word_bpe_) {
    // Of a word nothing is known before its end, and a text without spaces is one word.
    auto made = of_beginning(text, enough, [&](std::string_view beginning) -> Result<std::vector<Token>> {
      return by_own(*word_bpe_, beginning, std::numeric_limits<std::size_t>::max());
    });
    tokens = std::move(*made);
  } else {
    auto made = by_llama_cpp(text, enough);
    if (!made) return std::unexpected(made.error());
    tokens = std::move(*made);
  }
  if (appended_) tokens.push_back(*appended_);
  if (tokens.empty()) return fail(ErrorCode::InvalidText, "the text has no tokens");
  return tokens;
}

Result<TokenizedText> TextTokenizer::operator()(std::string_view text) const {
  auto tokens = tokens_of(text, options_.max_length + 1);
  if (!tokens) return std::unexpected(tokens.error());
  TokenizedText result{.tokens = std::move(*tokens)};
  if (result.tokens.size() > options_.max_length) {
    result.truncated = true;
    result.tokens.resize(options_.max_length);
    if (closing_) result.tokens.back() = *closing_;
    result.tokens.shrink_to_fit();
  }
  return result;
}

Result<std::size_t> TextTokenizer::count(std::string_view text) const {
  return tokens_of(text, std::numeric_limits<std::size_t>::max()).transform([](const auto& tokens) {
    return tokens.size();
  });
}

}  // namespace llama::internal
