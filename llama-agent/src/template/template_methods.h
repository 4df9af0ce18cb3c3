// Write a tag's expressions in the words that minja understands.
//
// minja lacks some methods, reads no element or method of what a call returned (`f(x)[0]`), multiplies without a bound,
// ends the program where it divides by 0, and reads behind the end of a text that it takes a part of. All become
// calls: `x.split(",")[0]` is `(llama_split(x, ","))[0]`, `a * b` is `llama_times(a, b)`, and `x[1:]` is
// `(llama_slice(x, 1, None))`.
#pragma once

#include <string>

#include "llama-base/error.h"

namespace llama::internal {

// Of a tag's inside.
//
// Errors   InvalidModel: a product whose factors cannot be told apart.
[[nodiscard]] Result<std::string> with_known_calls(std::string body);

}  // namespace llama::internal
