// Shorten text from outside for a line or two of the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama {

// Printable, on one line, and where it is cut it says how long it is: "abc… (1,234 bytes)".
[[nodiscard]] std::string shown(std::string_view text, std::size_t max_bytes);

}  // namespace llama
