// Read and check a GGUF header from a file or from memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gguf/byte_reader.h"
#include "llama-loader/gguf_header.h"

namespace llama::internal {

constexpr std::uint64_t kMaxCount = 1 << 16;        // keys, tensors: the largest models have a few thousand
constexpr std::uint64_t kMaxHeader = 256ull << 20;  // bytes; 16 MiB are usual for the largest vocabularies
constexpr std::uint64_t kMaxString = 64ull << 20;   // bytes of one metadata string
constexpr std::uint64_t kMaxToken = 16 << 10;       // bytes of one token: llama.cpp recurses once per byte
constexpr std::uint64_t kMaxStrings = 4 << 20;      // entries of one list: llama.cpp takes 32 bytes for an empty one
constexpr std::uint64_t kKeptString = 4096;         // longer values (chat templates) are checked and skipped
constexpr std::uint64_t kMaxKept = 16 << 20;        // bytes of names and values together
constexpr std::uint64_t kDefaultAlignment = 32;

// `name` is for messages. `file_size` may be more than what the reader gives: a header ends long before.
[[nodiscard]] Result<GgufHeader> read_gguf_header(ByteReader reader, std::uint64_t file_size, std::string name);

[[nodiscard]] inline Result<GgufHeader> read_gguf_header(std::span<const std::byte> bytes, std::string name) {
  return read_gguf_header(ByteReader(bytes.first(std::min<std::uint64_t>(bytes.size(), kMaxHeader))), bytes.size(),
                          std::move(name));
}

// Foreign text for a message of one line: printable ASCII, at most 80 characters.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace llama::internal
