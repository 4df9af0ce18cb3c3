#include "tensor_place.h"

#include <ggml.h>
#include <gguf.h>

#include <format>
#include <memory>

namespace llama::internal {
namespace {

struct FreeTensors {
  void operator()(ggml_context* tensors) const noexcept { ggml_free(tensors); }
};
struct FreeTensorHeader {
  void operator()(gguf_context* header) const noexcept { gguf_free(header); }
};

}  // namespace

Result<std::optional<TensorPlace>> find_tensor(std::span<const std::filesystem::path> files, const char* name) {
  for (const std::filesystem::path& path : files) {
    ggml_context* made = nullptr;
    const std::unique_ptr<gguf_context, FreeTensorHeader> header(
        gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &made}));
    const std::unique_ptr<ggml_context, FreeTensors> tensors(made);
    if (!header || !tensors)
      return fail(ErrorCode::InvalidModel, std::format("the header of '{}' cannot be read again", path.string()));
    const std::int64_t at = gguf_find_tensor(header.get(), name);
    const ggml_tensor* found = at < 0 ? nullptr : ggml_get_tensor(tensors.get(), name);
    if (found == nullptr) continue;
    return TensorPlace{.file = path,
                       .begin = gguf_get_data_offset(header.get()) + gguf_get_tensor_offset(header.get(), at),
                       .row_bytes = ggml_row_size(found->type, found->ne[0]),
                       .rows = static_cast<std::size_t>(found->ne[1]),
                       .columns = static_cast<std::size_t>(found->ne[0]),
                       .type = found->type};
  }
  return std::nullopt;
}

}  // namespace llama::internal
