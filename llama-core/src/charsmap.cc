// An array in a GGUF's header, which llama.cpp reads and does not hand out.
#include <gguf.h>

#include <format>
#include <memory>

#include "device_state.h"
#include "llama-core/model.h"

namespace llama {
namespace {

struct FreeHeader {
  void operator()(gguf_context* header) const noexcept { gguf_free(header); }
};

}  // namespace

Result<std::vector<unsigned char>> Model::precompiled_charsmap() const {
  const std::string name = device_state_->files.front().string();
  const std::unique_ptr<gguf_context, FreeHeader> header(
      gguf_init_from_file(name.c_str(), {.no_alloc = true, .ctx = nullptr}));
  if (!header) return fail(ErrorCode::InvalidModel, std::format("the header of '{}' cannot be read again", name));
  const std::int64_t key = gguf_find_key(header.get(), "tokenizer.ggml.precompiled_charsmap");
  if (key < 0 || gguf_get_kv_type(header.get(), key) != GGUF_TYPE_ARRAY) return std::vector<unsigned char>();
  const gguf_type type = gguf_get_arr_type(header.get(), key);
  if (type != GGUF_TYPE_UINT8 && type != GGUF_TYPE_INT8) {
    return fail(ErrorCode::InvalidModel, std::format("'{}': tokenizer.ggml.precompiled_charsmap has no bytes", name));
  }
  const auto* bytes = static_cast<const unsigned char*>(gguf_get_arr_data(header.get(), key));
  return std::vector<unsigned char>(bytes, bytes + gguf_get_arr_n(header.get(), key));
}

}  // namespace llama
