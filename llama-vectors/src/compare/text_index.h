// Know a file's texts by their MD5, and which row is which.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"

namespace llama::internal {

struct IndexedText {
  std::array<std::uint64_t, 2> digest;
  std::uint64_t row;
  friend auto operator<=>(const IndexedText&, const IndexedText&) = default;
};

// Of rows with a vector, by digest; of a text that comes several times the first row.
//
// Errors   InvalidArgument: there is neither column; Corrupt: a hash that is none (names the row).
[[nodiscard]] Result<std::vector<IndexedText>> index_texts(const VectorFile& file,
                                                           const std::optional<std::string>& text_column,
                                                           const std::string& hash_column, std::size_t workers,
                                                           const std::stop_token& stop);

}  // namespace llama::internal
