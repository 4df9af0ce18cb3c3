// Read what the first bytes of a GGUF file say, where the whole header is not at hand.
//
// A header begins with the model's kind, architecture and sizes; the vocabulary, which is megabytes, and the list of
// tensors come after. So the first 64 KiB tell what a file is, for the price of one short request.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

constexpr std::size_t kPrefixBytes = 64 << 10;

// The metadata that lies whole in `bytes`, and the number of tensors, of which none is listed. Nothing is checked that
// read_gguf_header() would refuse: what is odd ends the reading. Nothing at all for what is no GGUF file.
[[nodiscard]] std::optional<GgufHeader> read_header_prefix(std::span<const std::byte> bytes);

}  // namespace llama::internal
