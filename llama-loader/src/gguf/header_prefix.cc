#include "gguf/header_prefix.h"

#include <cstring>
#include <string_view>

#include "gguf/byte_reader.h"
#include "gguf/header_reader.h"
#include "gguf/scalar.h"

namespace llama::internal {
namespace {

bool read_text(ByteReader& reader, std::uint64_t max_bytes, std::string& text) {
  std::uint64_t length = 0;
  if (!reader.number(length) || length > reader.left()) return false;
  if (length > max_bytes) return reader.skip(length);
  text.resize(length);
  if (!reader.read(text.data(), length)) return false;
  text.resize(std::min(text.size(), text.find('\0')));
  return true;
}

bool skip_array(ByteReader& reader, GgufValue& value) {
  if (!reader.number(value.element) || !reader.number(value.count)) return false;
  if (value.element == GgufType::Array || !is_known(value.element)) return false;
  if (value.element != GgufType::String) {
    const std::uint64_t size = scalar_size(value.element);
    return value.count <= reader.left() / size && reader.skip(value.count * size);
  }
  for (std::uint64_t i = 0; i < value.count; ++i) {
    std::uint64_t length = 0;
    if (!reader.number(length) || !reader.skip(length)) return false;
  }
  return true;
}

bool read_value(ByteReader& reader, GgufValue& value) {
  if (!reader.number(value.type) || !is_known(value.type)) return false;
  if (value.type == GgufType::Array) return skip_array(reader, value);
  if (value.type == GgufType::String) return read_text(reader, kKeptString, value.text);
  char bytes[8] = {};
  if (!reader.read(bytes, scalar_size(value.type))) return false;
  value.text = scalar_text(value.type, bytes);
  return true;
}

}  // namespace

std::optional<GgufHeader> read_header_prefix(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  char magic[4] = {};
  GgufHeader header;
  std::uint64_t keys = 0;
  if (!reader.read(magic, 4) || std::string_view(magic, 4) != "GGUF" || !reader.number(header.version) ||
      !reader.number(header.tensor_count) || !reader.number(keys) || header.version < 2 || header.version > 3)
    return std::nullopt;
  for (std::uint64_t i = 0; i < keys; ++i) {
    std::string key;
    GgufValue value;
    if (!read_text(reader, kKeptString, key) || key.empty() || !read_value(reader, value)) break;
    header.values.try_emplace(std::move(key), std::move(value));
  }
  return header;
}

}  // namespace llama::internal
