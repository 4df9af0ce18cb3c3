#include "llama-loader/gguf_header.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <fstream>

namespace llama {
namespace {

// Writes GGUF bytes field by field, so that each can be wrong.
struct Bytes {
  std::string data;
  template <class T>
  Bytes& number(T value) {
    data.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& text(std::string_view value) {
    number<std::uint64_t>(value.size());
    data += value;
    return *this;
  }
  Bytes& raw(std::string_view value) {
    data += value;
    return *this;
  }
  Bytes& start(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return raw("GGUF").number(version).number(tensors).number(keys);
  }
  Bytes& key(std::string_view name, std::string_view value) { return text(name).number<std::uint32_t>(8).text(value); }
  Bytes& tensor(std::string_view name, const std::vector<std::uint64_t>& shape, std::uint32_t type,
                std::uint64_t offset) {
    text(name).number<std::uint32_t>(static_cast<std::uint32_t>(shape.size()));
    for (const auto extent : shape) number(extent);
    return number(type).number(offset);
  }
  Bytes& pad_and(std::size_t bytes) {
    data.resize((data.size() + 31) / 32 * 32 + bytes);
    return *this;
  }
};

Result<GgufHeader> read(const std::string& data) {
  const auto path = std::filesystem::temp_directory_path() / ("gguf-" + std::to_string(::getpid()) + ".gguf");
  std::ofstream(path, std::ios::binary) << data;
  auto header = read_gguf_header(path);
  std::filesystem::remove(path);
  return header;
}

std::string sound() {
  return Bytes().start(1, 1).key("general.architecture", "bert").tensor("w", {4, 2}, 0, 0).pad_and(32).data;
}

TEST(GgufHeader, ReadsASoundFile) {
  const auto header = read(sound());
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->value("general.architecture"), "bert");
  EXPECT_EQ(header->tensor_count, 1u);
  EXPECT_EQ(header->split_count(), 1);
}

TEST(GgufHeader, RefusesEveryShorterFile) {
  const std::string whole = sound();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto header = read(whole.substr(0, length));
    ASSERT_FALSE(header) << length;
    EXPECT_EQ(header.error().code, ErrorCode::InvalidModel) << length;
  }
}

TEST(GgufHeader, RefusesHostileFiles) {
  const std::uint64_t huge = ~std::uint64_t{0};
  const std::vector<std::pair<const char*, std::string>> rows{
      {"a web page", "<!DOCTYPE html><html><body>404</body></html>"},
      {"an LFS pointer", "version https://git-lfs.github.com/spec/v1\n"},
      {"version 1", Bytes().start(0, 0, 1).data},
      {"big-endian", Bytes().start(0, 0, 0x03000000).data},
      {"too many keys", Bytes().start(0, huge).data},
      {"too many tensors", Bytes().start(huge, 0).data},
      {"a long key", Bytes().start(0, 1).number(huge).raw(std::string(64, 'x')).data},
      {"a key twice", Bytes().start(0, 2).key("a", "1").key("a", "2").data},
      {"a long string",
       Bytes().start(0, 1).text("a").number<std::uint32_t>(8).number(huge).raw(std::string(64, 'x')).data},
      {"an unknown type", Bytes().start(0, 1).text("a").number<std::uint32_t>(13).raw(std::string(64, 'x')).data},
      {"a nested array", Bytes()
                             .start(0, 1)
                             .text("a")
                             .number<std::uint32_t>(9)
                             .number<std::uint32_t>(9)
                             .number<std::uint64_t>(1)
                             .raw(std::string(64, 'x'))
                             .data},
      {"a token that stands twice", Bytes()
                                        .start(0, 1)
                                        .text("tokenizer.ggml.tokens")
                                        .number<std::uint32_t>(9)
                                        .number<std::uint32_t>(8)
                                        .number<std::uint64_t>(3)
                                        .text("a")
                                        .text("b")
                                        .text("a")
                                        .data},
      {"a huge array", Bytes()
                           .start(0, 1)
                           .text("a")
                           .number<std::uint32_t>(9)
                           .number<std::uint32_t>(4)
                           .number(huge / 2)
                           .raw(std::string(64, 'x'))
                           .data},
      {"alignment 0", Bytes()
                          .start(0, 1)
                          .text("general.alignment")
                          .number<std::uint32_t>(4)
                          .number<std::uint32_t>(0)
                          .raw(std::string(64, 'x'))
                          .data},
      {"alignment 2^31", Bytes()
                             .start(0, 1)
                             .text("general.alignment")
                             .number<std::uint32_t>(4)
                             .number<std::uint32_t>(1u << 31)
                             .raw(std::string(64, 'x'))
                             .data},
      {"five dimensions", Bytes().start(1, 0).tensor("w", {1, 1, 1, 1, 1}, 0, 0).pad_and(64).data},
      {"a dimension of 0", Bytes().start(1, 0).tensor("w", {0}, 0, 0).pad_and(64).data},
      {"an overflowing shape", Bytes().start(1, 0).tensor("w", {1ull << 40, 1ull << 40}, 0, 0).pad_and(64).data},
      {"outside the file", Bytes().start(1, 0).tensor("w", {1024}, 0, 0).pad_and(64).data},
      {"an offset that wraps", Bytes().start(1, 0).tensor("w", {4}, 0, huge - 31).pad_and(64).data},
      {"a tensor twice", Bytes().start(2, 0).tensor("w", {4}, 0, 0).tensor("w", {4}, 0, 32).pad_and(64).data},
      {"overlapping tensors", Bytes().start(2, 0).tensor("a", {16}, 0, 0).tensor("b", {16}, 0, 32).pad_and(128).data},
      {"half a block", Bytes().start(1, 0).tensor("w", {33}, 8, 0).pad_and(64).data},
  };
  for (const auto& [name, data] : rows) {
    const auto header = read(data);
    ASSERT_FALSE(header) << name;
    EXPECT_EQ(header.error().code, ErrorCode::InvalidModel) << name;
    EXPECT_EQ(header.error().message.find('\n'), std::string::npos) << name;
  }
}

TEST(GgufHeader, KnowsProjectorsAndAdapters) {
  for (const auto& [key, value] : {std::pair{"general.type", "mmproj"},
                                   {"general.type", "adapter"},
                                   {"general.architecture", "clip"},
                                   {"general.name", "x"}}) {
    const auto header = read(Bytes().start(0, 1).key(key, value).data);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_FALSE(check_is_model(*header, "x.gguf")) << value;
  }
}

}  // namespace
}  // namespace llama
