// Tell from a file's first bytes that it is no text in UTF-8, and what it is instead.
//
// Plainly so: UTF-16 and UTF-32 by their byte-order marks or by a NUL in most characters; a known format by its magic
// number, where the bytes are no clean text besides ("PAR1 is the name of a band" is one); anything with NUL bytes and
// as many bytes that are no UTF-8. A text with a NUL or a broken character here and there stays a text.
//
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace llama::internal {

// How many of a file's first bytes are enough.
inline constexpr std::size_t kTextKindBytes = 64 << 10;

// What it looks like and what to do: "it looks like a gzip archive; unpack it first (gzip -dc)". Nothing for a text.
[[nodiscard]] std::optional<std::string> why_no_text(std::string_view start);

// The same for a whole file of which every byte must be UTF-8, as of a setting or a prompt.
[[nodiscard]] std::optional<std::string> why_not_utf8(std::string_view text);

}  // namespace llama::internal
