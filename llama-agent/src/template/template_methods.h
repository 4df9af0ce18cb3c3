// Write a tag's expressions in the words that minja understands.
//
// minja lacks some methods, reads no element or method of what a call returned (`f(x)[0]`), and multiplies without a
// bound. All three become calls in parentheses: `x.split(",")[0]` is `(llama_split(x, ","))[0]`, `a * b` is
// `llama_times(a, b)`.
#pragma once

#include <string>

#include "llama-base/error.h"

namespace llama::internal {

// Errors   InvalidModel: a product whose factors cannot be told apart.
[[nodiscard]] Result<std::string> with_known_calls(std::string tag);

}  // namespace llama::internal
