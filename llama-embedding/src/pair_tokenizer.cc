#include "pair_tokenizer.h"

#include <algorithm>
#include <format>
#include <limits>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

constexpr std::string_view kQuery = "{query}", kText = "{document}";
constexpr std::size_t kWhole = std::numeric_limits<std::size_t>::max();

std::string with_query(std::string words, std::string_view query) {
  for (std::size_t at = 0; (at = words.find(kQuery, at)) != std::string::npos; at += query.size())
    words.replace(at, kQuery.size(), query);
  return words;
}

void append(std::vector<Token>& tokens, std::span<const Token> more) { tokens.append_range(more); }

std::unexpected<Error> no_room(std::size_t length) {
  return fail(ErrorCode::InvalidText,
              std::format("the query leaves no room for a text in the {} tokens that the reranker takes", length));
}

}  // namespace

Result<PairTokenizer> PairTokenizer::create(const std::shared_ptr<const Model>& model, PairFormat format,
                                            std::size_t max_length) {
  auto tokenizer = TextTokenizer::create(model, {.special = SpecialTokens::Text,
                                                 .choice = TokenizerChoice::Published,
                                                 .max_length = max_length,
                                                 .append_eos = false});
  if (!tokenizer) return std::unexpected(tokenizer.error());
  PairTokenizer made(std::move(*tokenizer), max_length);
  auto used = format == PairFormat::Template ? made.use_template(*model) : made.use_separators(*model, format);
  if (!used) return std::unexpected(used.error());
  return made;
}

// What an empty text consists of is [CLS] [SEP], or <s> </s>.
Result<void> PairTokenizer::use_separators(const Model& model, PairFormat format) {
  const auto around = model.tokenize("", SpecialTokens::Text);
  if (!around) return std::unexpected(around.error());
  const auto closing = model.closing_token();
  if (around->size() < 2 || !closing)
    return fail(ErrorCode::InvalidModel, "the vocabulary does not say which tokens open and close a text");
  opening_.assign(around->begin(), around->end() - 1);
  separator_.assign(format == PairFormat::TwoSeparators ? 2 : 1, *closing);
  closing_ = {*closing};
  return {};
}

Result<void> PairTokenizer::use_template(const Model& model) {
  has_template_ = true;
  const std::string text = model.chat_template("rerank").value_or("");
  std::vector<std::pair<std::string, Token>> special;
  const std::vector<VocabularyEntry> vocabulary = model.vocabulary();
  for (std::size_t i = 0; i < vocabulary.size(); ++i)
    if (vocabulary[i].kind == TokenKind::Control && text.contains(vocabulary[i].text) && !vocabulary[i].text.empty())
      special.emplace_back(vocabulary[i].text, static_cast<Token>(i));
  std::ranges::sort(special, std::greater<>(), [](const auto& name) { return name.first.size(); });

  std::vector<Piece> pieces(1);
  for (std::size_t at = 0; at < text.size();) {
    const auto starts = [&](const auto& name) { return std::string_view(text).substr(at).starts_with(name.first); };
    const auto found = std::ranges::find_if(special, starts);
    if (found == special.end()) {
      pieces.back().words += text[at++];
      continue;
    }
    pieces.push_back({.words = {}, .token = found->second});
    pieces.emplace_back();
    at += found->first.size();
  }
  const auto has_text = [](const Piece& piece) { return piece.words.contains(kText); };
  const auto piece = std::ranges::find_if(pieces, has_text);
  const std::size_t at = piece == pieces.end() ? 0 : piece->words.find(kText);
  if (piece == pieces.end() || !text.contains(kQuery) || text.find(kText) != text.rfind(kText))
    return fail(
        ErrorCode::InvalidModel,
        "the reranker's template (tokenizer.chat_template.rerank) does not say where {query} and {document} go");
  words_before_ = piece->words.substr(0, at);
  words_after_ = piece->words.substr(at + kText.size());
  before_.assign(pieces.begin(), piece);
  after_.assign(piece + 1, pieces.end());
  return {};
}

Result<std::vector<Token>> PairTokenizer::render(std::span<const Piece> pieces, std::string_view query) const {
  std::vector<Token> tokens;
  for (const Piece& piece : pieces) {
    if (piece.token) tokens.push_back(*piece.token);
    if (piece.words.empty()) continue;
    const auto words = tokenizer_.part(with_query(piece.words, query), kWhole);
    if (!words) return words;
    append(tokens, *words);
  }
  return tokens;
}

Result<TokenizedPair> PairTokenizer::separated(std::span<const Token> before, std::string_view text) const {
  const std::size_t room = max_length_ - before.size() - closing_.size();
  auto words = tokenizer_.part(text, room + 1);
  if (!words) return std::unexpected(words.error());
  TokenizedPair pair{
      .tokens = {before.begin(), before.end()}, .second = before.size(), .truncated = words->size() > room};
  if (pair.truncated) words->resize(room);
  append(pair.tokens, *words);
  append(pair.tokens, closing_);
  return pair;
}

Result<TokenizedPair> PairTokenizer::rendered(std::span<const Token> before, std::string_view query,
                                              std::span<const Token> after, std::string_view text) const {
  const std::size_t room = max_length_ - before.size() - after.size();
  std::string words = with_query(words_before_, query) + std::string(text);
  auto tokens = tokenizer_.part(words + with_query(words_after_, query), room + 1);
  if (!tokens) return std::unexpected(tokens.error());
  TokenizedPair pair{.tokens = {before.begin(), before.end()}, .second = 0, .truncated = tokens->size() > room};
  if (pair.truncated) {
    const auto kept = tokenizer_.part(with_query(words_after_, query), kWhole);
    if (!kept) return std::unexpected(kept.error());
    tokens = tokenizer_.part(words, room);
    if (!tokens) return std::unexpected(tokens.error());
    tokens->resize(std::min(tokens->size(), room - std::min(room, kept->size())));
    append(*tokens, *kept);
  }
  append(pair.tokens, *tokens);
  append(pair.tokens, after);
  return pair;
}

Result<std::vector<Result<TokenizedPair>>> PairTokenizer::operator()(std::string_view query,
                                                                     std::span<const std::string> texts) const {
  std::vector<Token> before = opening_, after;
  std::size_t least = closing_.size() + 1;
  if (has_template_) {
    for (const auto& [pieces, tokens] : {std::pair(&before_, &before), std::pair(&after_, &after)}) {
      auto made = render(*pieces, query);
      if (!made) return std::unexpected(made.error());
      *tokens = std::move(*made);
    }
    const auto around =
        tokenizer_.part(with_query(words_before_, query) + " " + with_query(words_after_, query), kWhole);
    if (!around) return std::unexpected(around.error());
    least = after.size() + around->size() + 1;
  } else {
    const auto words = tokenizer_.part(query, max_length_);
    if (!words) return std::unexpected(words.error());
    append(before, *words);
    append(before, separator_);
  }
  if (before.size() + least > max_length_) return no_room(max_length_);
  std::vector<Result<TokenizedPair>> pairs;
  for (const std::string& text : texts) {
    if (!is_utf8(text)) {
      pairs.emplace_back(fail(ErrorCode::InvalidText, "not valid UTF-8"));
    } else {
      pairs.push_back(has_template_ ? rendered(before, query, after, text) : separated(before, text));
    }
  }
  return pairs;
}

}  // namespace llama::internal
