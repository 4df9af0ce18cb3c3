#include "token_rows.h"

#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <functional>
#include <memory>
#include <utility>

namespace llama::internal {
namespace {

struct FreeTensors {
  void operator()(ggml_context* tensors) const noexcept { ggml_free(tensors); }
};
struct FreeTensorHeader {
  void operator()(gguf_context* header) const noexcept { gguf_free(header); }
};

}  // namespace

Result<TokenRows::Table> TokenRows::find_table(std::span<const std::filesystem::path> files, const char* tensor) {
  for (const std::filesystem::path& path : files) {
    ggml_context* raw = nullptr;
    const std::unique_ptr<gguf_context, FreeTensorHeader> header(
        gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &raw}));
    const std::unique_ptr<ggml_context, FreeTensors> tensors(raw);
    if (!header || !tensors)
      return fail(ErrorCode::InvalidModel, std::format("the header of '{}' cannot be read again", path.string()));
    const std::int64_t at = gguf_find_tensor(header.get(), tensor);
    const ggml_tensor* found = at < 0 ? nullptr : ggml_get_tensor(tensors.get(), tensor);
    if (found == nullptr) continue;
    Table table{.name = path.string(),
                .file = std::ifstream(path, std::ios::binary),
                .begin = gguf_get_data_offset(header.get()) + gguf_get_tensor_offset(header.get(), at),
                .row_bytes = ggml_row_size(found->type, found->ne[0]),
                .rows = static_cast<std::size_t>(found->ne[1]),
                .columns = static_cast<std::size_t>(found->ne[0]),
                .type = found->type,
                .bytes = {}};
    table.bytes.resize(table.row_bytes);
    return table;
  }
  return fail(ErrorCode::InvalidModel, std::format("the model has no tensor '{}'", tensor));
}

Result<void> TokenRows::Table::read_row(std::size_t row, std::span<float> out) {
  if (row >= rows) return fail(ErrorCode::InvalidModel, std::format("'{}' has no vector for token {}", name, row));
  file.seekg(static_cast<std::streamoff>(begin + row * row_bytes));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    return fail(ErrorCode::InvalidModel, std::format("'{}' cannot be read again", name));
  if (type == GGML_TYPE_F32) {
    std::memcpy(out.data(), bytes.data(), out.size_bytes());
    return {};
  }
  const auto* traits = ggml_get_type_traits(static_cast<ggml_type>(type));
  if (traits->to_float == nullptr)
    return fail(ErrorCode::InvalidModel, std::format("'{}': vectors of type {} cannot be read", name, traits->type_name));
  traits->to_float(bytes.data(), out.data(), static_cast<std::int64_t>(out.size()));
  return {};
}

Result<TokenRows> TokenRows::open(std::span<const std::filesystem::path> files) {
  auto tokens = find_table(files, "token_embd.weight");
  if (!tokens) return std::unexpected(tokens.error());
  auto types = find_table(files, "token_types.weight");
  if (!types) return std::unexpected(types.error());
  if (types->rows < 2 || types->columns != tokens->columns)
    return fail(ErrorCode::InvalidModel, std::format("'{}' has no two types of tokens", types->name));
  TokenRows made;
  std::vector<float> first(types->columns);
  made.difference_.resize(types->columns);
  if (auto read = types->read_row(0, first); !read) return std::unexpected(read.error());
  if (auto read = types->read_row(1, made.difference_); !read) return std::unexpected(read.error());
  std::ranges::transform(made.difference_, first, made.difference_.begin(), std::minus<>());
  made.tokens_ = std::move(*tokens);
  return made;
}

Result<std::vector<float>> TokenRows::read(std::span<const Token> tokens, const std::vector<bool>& is_second) {
  std::vector<float> all(tokens.size() * dimension());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::span row = std::span(all).subspan(i * dimension(), dimension());
    if (auto read = tokens_.read_row(static_cast<std::size_t>(tokens[i]), row); !read)
      return std::unexpected(read.error());
    if (is_second[i]) std::ranges::transform(row, difference_, row.begin(), std::plus<>());
  }
  return all;
}

}  // namespace llama::internal
