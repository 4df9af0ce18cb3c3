#include "vocabulary_check.h"

#include <llama.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <format>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

// Unicode's property White_Space.
bool is_white_space(char32_t c) {
  return c == U' ' || (c >= 0x9 && c <= 0xd) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

}  // namespace

std::string single_spaced(std::string_view text) {
  std::string spaced;
  spaced.reserve(text.size());
  bool in_run = false;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded decoded = decode(text, at);
    if (!is_white_space(decoded.character)) {
      spaced.append(text.substr(at, decoded.length));
      in_run = false;
    } else if (!std::exchange(in_run, true)) {
      spaced += ' ';
    }
    at += decoded.length;
  }
  return spaced;
}

std::unexpected<Error> thrown_error(const std::exception& thrown, ErrorCode code, std::string_view what) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) {
    return fail(ErrorCode::OutOfMemory, std::format("{}: no memory", what));
  }
  // A SentencePiece vocabulary was asked for the token of a byte.
  if (dynamic_cast<const std::out_of_range*>(&thrown) != nullptr) {
    return fail(ErrorCode::InvalidModel, "the vocabulary has no tokens for single bytes, which some texts need");
  }
  return fail(code, std::format("{}: {}", what, thrown.what()));
}

// llama_tokenize() aborts where a token that it must add does not exist.
Result<void> check_special_tokens(const llama_vocab* vocab) {
  const auto lacks = [](std::string_view what) {
    return fail(ErrorCode::InvalidModel, std::format("the vocabulary has no {}, which every text needs", what));
  };
  const bool bert = llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_WPM;
  if (llama_vocab_bos(vocab) == LLAMA_TOKEN_NULL && (bert || llama_vocab_get_add_bos(vocab))) {
    return lacks(bert ? "token to open a text with ([CLS])" : "token to open a text with (BOS)");
  }
  if (llama_vocab_sep(vocab) == LLAMA_TOKEN_NULL && bert) return lacks("token to close a text with ([SEP])");
  if (llama_vocab_eos(vocab) == LLAMA_TOKEN_NULL && llama_vocab_get_add_eos(vocab)) {
    return lacks("token to close a text with (EOS)");
  }
  std::array<llama_token, 16> room{};
  try {
    static_cast<void>(
        llama_tokenize(vocab, "\x01", 1, room.data(), static_cast<std::int32_t>(room.size()), true, false));
  } catch (const std::exception& thrown) {
    return thrown_error(thrown, ErrorCode::InvalidModel, "the vocabulary cannot be used");
  }
  return {};
}

}  // namespace llama::internal
