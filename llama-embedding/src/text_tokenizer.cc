#include "text_tokenizer.h"

#include <algorithm>

namespace llama::internal {
namespace {

constexpr std::size_t kLeastPrefix = 64 << 10;  // bytes
constexpr std::size_t kBytesPerToken = 16;      // more than nearly every text has

// The end of a prefix of about `bytes`: after a space where one is near, else between two characters.
std::size_t prefix_end(std::string_view text, std::size_t bytes) {
  const std::size_t space = text.find_last_of(" \t\v\f", bytes);
  if (space != std::string_view::npos && space > bytes / 2) return space;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return bytes;
}

}  // namespace

TextTokenizer::TextTokenizer(std::shared_ptr<const Model> model, SpecialTokens special, std::size_t max_length,
                             bool append_eos)
    : model_(std::move(model)), special_(special), max_length_(max_length) {
  if (append_eos) appended_ = model_->eos_token();
  closing_ = appended_ ? appended_ : model_->closing_token();
}

Result<TokenizedText> TextTokenizer::operator()(std::string_view text) const {
  TokenizedText result;
  std::size_t bytes = std::max(kLeastPrefix, max_length_ * kBytesPerToken);
  for (;; bytes *= 4) {
    const bool whole = bytes >= text.size();
    auto tokens = model_->tokenize(whole ? text : text.substr(0, prefix_end(text, bytes)), special_);
    if (!tokens) return std::unexpected(tokens.error());
    result.tokens = std::move(*tokens);
    if (whole || result.tokens.size() / 2 > max_length_) break;
  }
  if (appended_) result.tokens.push_back(*appended_);
  if (result.tokens.empty()) return fail(ErrorCode::InvalidText, "the text has no tokens");
  if (result.tokens.size() > max_length_) {
    result.truncated = true;
    result.tokens.resize(max_length_);
    if (closing_) result.tokens.back() = *closing_;
    result.tokens.shrink_to_fit();
  }
  return result;
}

}  // namespace llama::internal
