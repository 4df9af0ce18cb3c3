// The characters of a Unicode property: \p{L}, \p{Letter}, \p{Script=Greek}.
//
// Cost     the first time that a property is asked for, about a hundredth of a second: RE2, which knows the table, is
//          asked for blocks of characters. The answer is kept. Each reading of a schema spends it once for each
//          property, whether the answer is known or not.
// Threads  any number.
#pragma once

#include <string_view>

#include "code_points.h"
#include "schema_work.h"

namespace llama::internal {

// Null for a name that is not known. It lives as long as the program.
[[nodiscard]] const CodePoints* characters_of_property(std::string_view name, SchemaWork& work);

}  // namespace llama::internal
