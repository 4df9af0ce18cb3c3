#include "llama-base/utf8.h"

#include <simdutf.h>

namespace llama::internal {

bool is_utf8(std::string_view text) { return simdutf::validate_utf8(text.data(), text.size()); }

}  // namespace llama::internal
