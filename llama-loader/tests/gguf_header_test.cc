#include "llama-loader/gguf_header.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <fstream>

#include "gguf/header_prefix.h"
#include "gguf_bytes.h"

namespace llama {
namespace {

using Bytes = test::GgufBytes;

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

// What published files of each kind declare.
TEST(GgufHeader, TellsDraftsFromModelsThatHoldOne) {
  struct Row {
    const char* what;
    Bytes bytes;
    bool is_model;
  };
  const auto model = [](const char* architecture, std::uint64_t tensors, std::uint32_t blocks, std::uint32_t drafts) {
    const std::string name = architecture;
    return Bytes()
        .start(tensors, 4)
        .key("general.type", "model")
        .key("general.architecture", name)
        .key(name + ".block_count", blocks)
        .key(name + ".nextn_predict_layers", drafts);
  };
  for (const Row& row :
       {Row{"a model with a draft in it", model("qwen35moe", 733, 41, 1), true},
        {"that draft alone", model("qwen35moe", 22, 41, 1), false},
        {"a model without", model("qwen35moe", 711, 40, 0), true},
        {"Gemma's assistant", model("gemma4-assistant", 50, 4, 0), false},
        {"the same, an older converter", model("gemma4_assistant", 50, 4, 0), false},
        {"EAGLE-3", model("eagle3", 14, 1, 0), false},
        {"DFlash", model("dflash", 60, 5, 0), false},
        {"an adapter", Bytes().start(300, 2).key("general.type", "adapter").key("general.architecture", "llama"),
         false},
        {"an importance matrix", Bytes().start(300, 1).key("general.type", "imatrix"), false},
        {"a projector", Bytes().start(300, 1).key("general.architecture", "clip"), false},
        {"the first of two parts",
         Bytes()
             .start(1, 5)
             .key("general.architecture", "glm4moe")
             .key("glm4moe.block_count", 47)
             .key("glm4moe.nextn_predict_layers", 1)
             .key("split.count", 2)
             .key("split.tensors.count", 803),
         true}}) {
    const auto header = internal::read_header_prefix(std::as_bytes(std::span(row.bytes.data)));
    ASSERT_TRUE(header) << row.what;
    EXPECT_EQ(check_is_model(*header, "m.gguf").has_value(), row.is_model) << row.what;
  }
}

TEST(HeaderPrefix, ReadsWhatIsWholeInAnyNumberOfBytes) {
  const std::string whole = Bytes()
                                .start(7, 3)
                                .key("general.architecture", "bert")
                                .text("bert.rates")
                                .number<std::uint32_t>(9)
                                .number<std::uint32_t>(4)
                                .number<std::uint64_t>(2)
                                .number<std::uint64_t>(0)
                                .key("bert.block_count", 12)
                                .data;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const auto header = internal::read_header_prefix(std::as_bytes(std::span(whole.data(), length)));
    ASSERT_EQ(header.has_value(), length >= 24) << length;
    if (!header) continue;
    EXPECT_EQ(header->tensor_count, 7u);
    EXPECT_EQ(header->value("bert.block_count"), length == whole.size() ? "12" : "");
    EXPECT_LE(header->values.size(), 3u);
  }
  EXPECT_FALSE(internal::read_header_prefix(std::as_bytes(std::span("<!DOCTYPE html><html>"))));
}

TEST(HeaderPrefix, EndsWhereASoundHeaderWould) {
  const std::uint64_t huge = ~std::uint64_t{0};
  for (const std::string& bad :
       {Bytes().start(huge, huge).data, Bytes().start(0, 1).number(huge).raw("x").data,
        Bytes().start(0, 1).text("a").number<std::uint32_t>(99).raw(std::string(64, 'x')).data,
        Bytes().start(0, 1).text("a").number<std::uint32_t>(9).number<std::uint32_t>(9).number(huge).data,
        Bytes().start(0, 1).text("a").number<std::uint32_t>(9).number<std::uint32_t>(4).number(huge).data,
        Bytes().start(0, 1).text("a").number<std::uint32_t>(9).number<std::uint32_t>(8).number(huge).data}) {
    const auto header = internal::read_header_prefix(std::as_bytes(std::span(bad)));
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->values.empty());
  }
}

}  // namespace
}  // namespace llama
