// Cut text to columns of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama {

// Of standard output; of $COLUMNS, and 120, where that is none.
[[nodiscard]] std::size_t terminal_columns();

// How many columns it takes: none for marks that stand on a letter, two for most of East Asia's characters and emoji.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// One line of what can be shown: line breaks and tabs become spaces, characters that command a terminal or turn the
// direction of writing are left out; with "…" at its end where it is cut.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns);

// The same, with spaces up to the columns.
[[nodiscard]] std::string padded_to(std::string_view text, std::size_t columns);

}  // namespace llama
