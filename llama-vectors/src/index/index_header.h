// What an index says of itself at the beginning of its file.
//
// The file: kMark, the header's length (8 bytes, as all numbers the lowest first), the SHA-256 of mark, length and
// header in hex, the header (JSON), then four parts one after the other: a byte for each row of the source
// (IndexedRow), a byte for each row of the graph (its highest layer), the links of the layers above the lowest, the
// lowest layer. Each part is cut into blocks of kBlockBytes, whose digests stand in the header.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/index_content.h"

namespace llama::internal {

inline constexpr std::string_view kMark = "llama-cli index 1\n";  // the number is the format's version
inline constexpr std::string_view kAnyMark = "llama-cli index ";
inline constexpr std::size_t kBlockBytes = 4 << 20;
inline constexpr std::size_t kDigestDigits = 64;
inline constexpr std::size_t kPreambleBytes = kMark.size() + sizeof(std::uint64_t) + kDigestDigits;

enum class IndexPart : std::uint8_t { Rows, Levels, Upper, Ground };
inline constexpr std::size_t kIndexParts = 4;

struct IndexHeader {
  FileIdentity identity;
  NeighbourGraph::Options shape;
  std::uint64_t nulls = 0, other_lengths = 0, non_finite = 0, zeros = 0;
  std::vector<IndexRecall> recalls;
  std::uint64_t sampled = 0;
  std::array<std::uint64_t, kIndexParts> sizes{};  // bytes of the parts
  std::vector<std::string> digests;                // SHA-256 in hex of the blocks, part after part

  [[nodiscard]] static IndexHeader of(const IndexContent& content);
  [[nodiscard]] std::string json() const;
  // Errors   Corrupt: something is missing, of another kind, or does not fit together.
  [[nodiscard]] static Result<IndexHeader> read(std::string_view json);

  [[nodiscard]] std::uint64_t bytes_of_parts() const;
};

// How many blocks a part of so many bytes has.
[[nodiscard]] constexpr std::uint64_t blocks_of(std::uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes; }

}  // namespace llama::internal
