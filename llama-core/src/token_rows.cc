#include "token_rows.h"

#include <ggml.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <functional>
#include <utility>

namespace llama::internal {

Result<TokenRows::Table> TokenRows::Table::open(std::span<const std::filesystem::path> files, const char* tensor) {
  const auto place = find_tensor(files, tensor);
  if (!place) return std::unexpected(place.error());
  if (!*place) return fail(ErrorCode::InvalidModel, std::format("the model has no tensor '{}'", tensor));
  return Table{.place = **place,
               .file = std::ifstream((*place)->file, std::ios::binary),
               .bytes = std::vector<char>((*place)->row_bytes)};
}

Result<void> TokenRows::Table::read_row(std::size_t row, std::span<float> out) {
  const std::string name = place.file.string();
  if (row >= place.rows)
    return fail(ErrorCode::InvalidModel, std::format("'{}' has no vector for token {}", name, row));
  file.seekg(static_cast<std::streamoff>(place.begin + row * place.row_bytes));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    return fail(ErrorCode::InvalidModel, std::format("'{}' cannot be read again", name));
  if (place.type == GGML_TYPE_F32) {
    std::memcpy(out.data(), bytes.data(), out.size_bytes());
    return {};
  }
  const auto* traits = ggml_get_type_traits(static_cast<ggml_type>(place.type));
  if (traits->to_float == nullptr)
    return fail(ErrorCode::InvalidModel,
                std::format("'{}': vectors of type {} cannot be read", name, traits->type_name));
  traits->to_float(bytes.data(), out.data(), static_cast<std::int64_t>(out.size()));
  return {};
}

Result<TokenRows> TokenRows::open(std::span<const std::filesystem::path> files) {
  auto tokens = Table::open(files, "token_embd.weight");
  if (!tokens) return std::unexpected(tokens.error());
  auto types = Table::open(files, "token_types.weight");
  if (!types) return std::unexpected(types.error());
  if (types->place.rows < 2 || types->place.columns != tokens->place.columns)
    return fail(ErrorCode::InvalidModel, std::format("'{}' has not two types of tokens", types->place.file.string()));
  TokenRows made;
  std::vector<float> first(types->place.columns);
  made.difference_.resize(types->place.columns);
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
