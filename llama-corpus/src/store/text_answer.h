// Hold what became of one distinct text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

// Texts are numbered from 1, in the order in which they first occur in the input.
using TextNumber = std::uint64_t;

struct TextAnswer {
  std::uint32_t tokens = 0;                  // that the model read
  std::optional<std::uint64_t> token_count;  // before the cut, where it was asked for
  std::uint64_t time_ms = 0;
  bool truncated = false;
  std::vector<std::byte> vector;  // as it is written; {}: none, for the text failed, or it is longer than was allowed
  std::optional<Error> failure;
};

}  // namespace llama::internal
