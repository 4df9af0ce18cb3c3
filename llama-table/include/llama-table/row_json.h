// Write what goes along as JSON.
#pragma once

#include <cstddef>
#include <string>

#include "llama-table/row.h"

namespace llama {

// The kept columns of row `index` as one object on one line, "{}" for none: numbers, true, false and null as JSON has
// them, lists and structs as arrays and objects; what JSON has no word for (dates, decimals, bytes) is a text as Arrow
// writes it, NaN and infinities are null.
//
// Errors   InvalidArgument: there is no such row; InvalidText: a text that is not UTF-8.
[[nodiscard]] Result<std::string> json_of_row(const KeptRows& rows, std::size_t index);

}  // namespace llama
