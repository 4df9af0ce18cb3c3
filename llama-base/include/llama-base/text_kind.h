// Tell from a file's first bytes that it is no text in UTF-8, and what it is instead.
//
// Plainly so: UTF-16 and UTF-32 by their byte-order marks or by a NUL in most characters; a known format by its magic
// number, where the bytes are no clean text besides ("PAR1 is the name of a band" is one); NUL bytes along with bytes
// that are no UTF-8, where both together are a tenth; what is NUL bytes for more than a half. A text with a NUL or a
// broken character here and there stays a text, and so do names that end in NUL bytes (find -print0), from which a word
// of letters alone in UTF-16LE without a mark cannot be told.
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

// The same for rows of fields, which any number of NUL bytes may fill up to a width.
[[nodiscard]] std::optional<std::string> why_no_table(std::string_view start);

// As why_no_text(), for a whole file of which every byte must be UTF-8, as of a setting or a prompt.
[[nodiscard]] std::optional<std::string> why_not_utf8(std::string_view text);

}  // namespace llama::internal
