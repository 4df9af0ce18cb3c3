#include "llama-core/model.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <climits>
#include <exception>
#include <format>
#include <span>

#include "device_state.h"
#include "vocabulary_check.h"

namespace llama {
namespace {

Result<std::int32_t> tokenize_with(const llama_vocab* vocab, std::string_view text, std::span<Token> tokens,
                                   bool special, bool surround) {
  try {
    return llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                          static_cast<std::int32_t>(tokens.size()), surround, special);
  } catch (const std::exception& thrown) {
    return internal::thrown_error(thrown, ErrorCode::Internal, "llama.cpp could not tokenize a text");
  }
}

}  // namespace

void Model::Free::operator()(llama_model* model) const noexcept { llama_model_free(model); }

Model::Model(llama_model* model, std::unique_ptr<DeviceState> device_state)
    : model_(model), device_state_(std::move(device_state)) {
  aborts_at_white_space_ = metadata("tokenizer.ggml.pre") == "whitespace";
  // What surrounds a text is what an empty text consists of.
  if (const auto specials = tokenize("", SpecialTokens::Text); specials && !specials->empty()) {
    special_token_count_ = static_cast<std::int32_t>(specials->size());
    const llama_vocab* vocab = llama_model_get_vocab(model_.get());
    const Token last = specials->back();
    const bool closes = last == llama_vocab_sep(vocab) || last == llama_vocab_eos(vocab);
    // One token alone may be BOS with the id of EOS (GPT-2): that opens a text.
    const bool opens = specials->size() == 1 && last == llama_vocab_bos(vocab) && llama_vocab_get_add_bos(vocab) &&
                       !llama_vocab_get_add_eos(vocab);
    if (closes && !opens) closing_token_ = last;
  }
}

Result<std::vector<Token>> Model::tokenize(std::string_view text, SpecialTokens special) const {
  return tokenize(text, special, true);
}

Result<std::vector<Token>> Model::tokenize_part(std::string_view text, SpecialTokens special) const {
  return tokenize(text, special, false);
}

Result<std::vector<Token>> Model::tokenize(std::string_view text, SpecialTokens special, bool surround) const {
  if (text.size() > static_cast<std::size_t>(INT32_MAX) / 4) {
    return fail(ErrorCode::InvalidText, std::format("a text of {} bytes is too long to tokenize", text.size()));
  }
  std::string single_spaced;
  if (aborts_at_white_space_) text = single_spaced = internal::single_spaced(text);
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  std::vector<Token> tokens(text.size() / 3 + 16);
  const auto attempt = [&] { return tokenize_with(vocab, text, tokens, special == SpecialTokens::Parse, surround); };
  auto count = attempt();
  if (count && *count == INT32_MIN) return fail(ErrorCode::InvalidText, "a text has more tokens than can be counted");
  if (count && *count < 0) {
    tokens.resize(static_cast<std::size_t>(-*count));
    count = attempt();
  }
  if (!count) return std::unexpected(count.error());
  if (*count < 0) return fail(ErrorCode::Internal, "llama.cpp could not tokenize a text");
  tokens.resize(static_cast<std::size_t>(*count));
  return tokens;
}

std::vector<VocabularyEntry> Model::vocabulary() const {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  std::vector<VocabularyEntry> entries(static_cast<std::size_t>(llama_vocab_n_tokens(vocab)));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto token = static_cast<llama_token>(i);
    if (const char* text = llama_vocab_get_text(vocab, token)) entries[i].text = text;
    entries[i].score = llama_vocab_get_score(vocab, token);
    const auto attributes = static_cast<unsigned>(llama_vocab_get_attr(vocab, token));
    const auto has = [&](llama_token_attr attribute) { return (attributes & static_cast<unsigned>(attribute)) != 0; };
    if (has(LLAMA_TOKEN_ATTR_CONTROL)) {
      entries[i].kind = TokenKind::Control;
    } else if (has(LLAMA_TOKEN_ATTR_USER_DEFINED)) {
      entries[i].kind = TokenKind::UserDefined;
    } else if (has(LLAMA_TOKEN_ATTR_UNKNOWN)) {
      entries[i].kind = TokenKind::Unknown;
    } else if (has(LLAMA_TOKEN_ATTR_UNUSED)) {
      entries[i].kind = TokenKind::Unused;
    } else if (has(LLAMA_TOKEN_ATTR_BYTE)) {
      entries[i].kind = TokenKind::Byte;
    }
  }
  return entries;
}

std::string Model::piece(Token token, SpecialTokens special) const {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  if (token < 0 || token >= llama_vocab_n_tokens(vocab)) return {};
  std::string bytes(32, '\0');
  const auto attempt = [&] {
    return llama_token_to_piece(vocab, token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0,
                                special == SpecialTokens::Parse);
  };
  std::int32_t length = attempt();
  if (length < 0) {
    bytes.resize(static_cast<std::size_t>(-length));
    length = attempt();
  }
  bytes.resize(static_cast<std::size_t>(std::max(length, 0)));
  return bytes;
}

std::string Model::metadata(std::string_view key) const {
  const std::string name(key);
  std::string value(256, '\0');
  const std::int32_t length = llama_model_meta_val_str(model_.get(), name.c_str(), value.data(), value.size());
  if (length < 0) return {};
  if (static_cast<std::size_t>(length) >= value.size()) {
    value.resize(static_cast<std::size_t>(length) + 1);
    llama_model_meta_val_str(model_.get(), name.c_str(), value.data(), value.size());
  }
  value.resize(static_cast<std::size_t>(length));
  return value;
}

std::string Model::architecture() const { return metadata("general.architecture"); }

std::string Model::description() const {
  std::array<char, 256> text{};
  llama_model_desc(model_.get(), text.data(), text.size());
  return text.data();
}

std::int32_t Model::trained_context() const { return llama_model_n_ctx_train(model_.get()); }
std::int32_t Model::embedding_dimension() const { return llama_model_n_embd_out(model_.get()); }
std::uint64_t Model::size_bytes() const { return llama_model_size(model_.get()); }

std::optional<Pooling> Model::pooling() const {
  const std::string value = metadata(architecture() + ".pooling_type");
  if (value == "1") return Pooling::Mean;
  if (value == "2") return Pooling::Cls;
  if (value == "3") return Pooling::Last;
  if (value == "4") return Pooling::Rank;
  return std::nullopt;  // absent, or NONE
}

std::vector<std::string> Model::class_labels() const {
  std::vector<std::string> labels(std::max<std::uint32_t>(1, llama_model_n_cls_out(model_.get())));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (const char* label = llama_model_cls_label(model_.get(), static_cast<std::uint32_t>(i))) labels[i] = label;
  return labels;
}

bool Model::ranks_by_last_token() const { return architecture() == "qwen3" || architecture() == "qwen3vl"; }

bool Model::is_encoder() const {
  return metadata(architecture() + ".attention.causal") == "false" || architecture().contains("bert") ||
         architecture() == "t5encoder";
}

bool Model::is_encoder_decoder() const {
  return llama_model_has_encoder(model_.get()) && llama_model_has_decoder(model_.get());
}

std::optional<Token> Model::bos_token() const {
  const Token bos = llama_vocab_bos(llama_model_get_vocab(model_.get()));
  if (bos == LLAMA_TOKEN_NULL) return std::nullopt;
  return bos;
}

std::optional<Token> Model::opening_token() const {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  const Token bos = llama_vocab_bos(vocab);
  if (bos == LLAMA_TOKEN_NULL || !llama_vocab_get_add_bos(vocab)) return std::nullopt;
  return bos;
}

bool Model::ends_generation(Token token) const {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  return token >= 0 && token < llama_vocab_n_tokens(vocab) && llama_vocab_is_eog(vocab, token);
}

std::int32_t Model::vocabulary_size() const { return llama_vocab_n_tokens(llama_model_get_vocab(model_.get())); }

std::optional<std::string> Model::chat_template(std::string_view variant) const {
  const std::string name(variant);
  const char* text = llama_model_chat_template(model_.get(), name.empty() ? nullptr : name.c_str());
  if (text == nullptr) return std::nullopt;
  return text;
}

bool Model::is_recurrent() const {
  return llama_model_is_recurrent(model_.get()) || llama_model_is_hybrid(model_.get());
}

std::int32_t Model::sliding_window() const { return llama_model_n_swa(model_.get()); }

std::optional<Token> Model::eos_token() const {
  const Token eos = llama_vocab_eos(llama_model_get_vocab(model_.get()));
  if (eos == LLAMA_TOKEN_NULL) return std::nullopt;
  return eos;
}

}  // namespace llama
