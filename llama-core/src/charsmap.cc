// Arrays in a GGUF's header, which llama.cpp reads and does not hand out.
#include <gguf.h>

#include <array>
#include <cstdint>
#include <format>
#include <memory>
#include <string>
#include <vector>

#include "device_state.h"
#include "llama-core/model.h"

namespace llama {
namespace {

struct FreeHeader {
  void operator()(gguf_context* header) const noexcept { gguf_free(header); }
};

using HeaderPointer = std::unique_ptr<gguf_context, FreeHeader>;

Result<HeaderPointer> read_header_again(const std::string& name) {
  HeaderPointer header(gguf_init_from_file(name.c_str(), {.no_alloc = true, .ctx = nullptr}));
  if (!header) return fail(ErrorCode::InvalidModel, std::format("the header of '{}' cannot be read again", name));
  return header;
}

// Source   llama.h, enum llama_token_type.
TokenKind kind_of(std::int32_t declared) {
  constexpr std::array kKinds{TokenKind::Normal,      TokenKind::Normal, TokenKind::Unknown, TokenKind::Control,
                              TokenKind::UserDefined, TokenKind::Unused, TokenKind::Byte};
  return declared >= 0 && static_cast<std::size_t>(declared) < kKinds.size()
             ? kKinds[static_cast<std::size_t>(declared)]
             : TokenKind::Normal;
}

}  // namespace

Result<TokenKind> Model::declared_kind(Token token) const {
  const auto read = read_header_again(device_state_->files.front().string());
  if (!read) return std::unexpected(read.error());
  const gguf_context* header = read->get();
  const std::int64_t key = gguf_find_key(header, "tokenizer.ggml.token_type");
  if (key < 0 || gguf_get_kv_type(header, key) != GGUF_TYPE_ARRAY) return TokenKind::Normal;
  const gguf_type type = gguf_get_arr_type(header, key);
  if ((type != GGUF_TYPE_INT32 && type != GGUF_TYPE_UINT32) || token < 0 ||
      static_cast<std::size_t>(token) >= gguf_get_arr_n(header, key)) {
    return TokenKind::Normal;
  }
  return kind_of(static_cast<const std::int32_t*>(gguf_get_arr_data(header, key))[token]);
}

Result<std::vector<unsigned char>> Model::precompiled_charsmap() const {
  const std::string name = device_state_->files.front().string();
  const auto read = read_header_again(name);
  if (!read) return std::unexpected(read.error());
  const HeaderPointer& header = *read;
  const std::int64_t key = gguf_find_key(header.get(), "tokenizer.ggml.precompiled_charsmap");
  if (key < 0 || gguf_get_kv_type(header.get(), key) != GGUF_TYPE_ARRAY) return std::vector<unsigned char>();
  const gguf_type type = gguf_get_arr_type(header.get(), key);
  if (type != GGUF_TYPE_UINT8 && type != GGUF_TYPE_INT8) {
    return fail(ErrorCode::InvalidModel, std::format("'{}': tokenizer.ggml.precompiled_charsmap has no bytes", name));
  }
  const auto* bytes = static_cast<const unsigned char*>(gguf_get_arr_data(header.get(), key));
  return std::vector<unsigned char>(bytes, bytes + gguf_get_arr_n(header.get(), key));
}

Result<std::vector<std::string>> Model::merges() const {
  const std::string name = device_state_->files.front().string();
  const auto read = read_header_again(name);
  if (!read) return std::unexpected(read.error());
  const gguf_context* header = read->get();
  std::vector<std::string> merges;
  const std::int64_t key = gguf_find_key(header, "tokenizer.ggml.merges");
  if (key < 0) return merges;
  if (gguf_get_kv_type(header, key) != GGUF_TYPE_ARRAY || gguf_get_arr_type(header, key) != GGUF_TYPE_STRING) {
    return fail(ErrorCode::InvalidModel, std::format("'{}': tokenizer.ggml.merges has no texts", name));
  }
  const std::size_t count = gguf_get_arr_n(header, key);
  merges.reserve(count);
  for (std::size_t i = 0; i < count; ++i) merges.emplace_back(gguf_get_arr_str(header, key, i));
  return merges;
}

}  // namespace llama
