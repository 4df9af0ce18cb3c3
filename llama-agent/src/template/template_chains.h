// Write a tag's chains of operators, and what a loop goes over, as calls that have bounds.
//
// minja puts texts and lists together whatever they come to, holds a value for each element of a list while it makes
// it, and goes over the bytes of a text. So `a ~ b` becomes `llama_joined(a, b)`, `a + b - c` becomes
// `llama_sum(a, "+", b, "-", c)`, and `for c in x if y` becomes `for c in llama_filtered(x) if y`. Where a tag has many
// commas each element is a `llama_held(x)`. It also makes `a ~ b == c` compare what was joined, as Jinja does.
//
// Cost     what stands in brackets is copied once for each bracket around it, a chain once for each seven operands of
//          it: of both a tag has few (too_much_in(), template_tags.h).
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

// Of a tag's inside. One whose brackets do not match stays as it is: the parser will say so.
[[nodiscard]] std::string with_bounded_chains(std::string_view body);

}  // namespace llama::internal
