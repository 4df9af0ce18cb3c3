// Look at a batch before llama.cpp does: a place that is taken it reads a second time, and past a gap it stops.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "llama-core/generation_context.h"

namespace llama::internal {

// lengths: of every sequence that there is.
//
// Errors   InvalidArgument: a token that the vocabulary does not have, no such sequence, or not its next position.
[[nodiscard]] Result<void> check_places(std::span<const PlacedToken> batch, std::int32_t vocabulary,
                                        std::vector<std::int32_t> lengths);

}  // namespace llama::internal
