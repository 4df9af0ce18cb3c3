// Write GGUF bytes field by field, so that each can be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llama::test {

struct GgufBytes {
  std::string data{};
  template <class T>
  GgufBytes& number(T value) {
    data.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view value) {
    number<std::uint64_t>(value.size());
    data += value;
    return *this;
  }
  GgufBytes& raw(std::string_view value) {
    data += value;
    return *this;
  }
  GgufBytes& start(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return raw("GGUF").number(version).number(tensors).number(keys);
  }
  GgufBytes& key(std::string_view name, std::string_view value) {
    return text(name).number<std::uint32_t>(8).text(value);
  }
  GgufBytes& key(std::string_view name, std::uint32_t value) {
    return text(name).number<std::uint32_t>(4).number(value);
  }
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& shape, std::uint32_t type,
                    std::uint64_t offset) {
    text(name).number<std::uint32_t>(static_cast<std::uint32_t>(shape.size()));
    for (const auto extent : shape) number(extent);
    return number(type).number(offset);
  }
  GgufBytes& pad_and(std::size_t bytes) {
    data.resize((data.size() + 31) / 32 * 32 + bytes);
    return *this;
  }
};

}  // namespace llama::test
