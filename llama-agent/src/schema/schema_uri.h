// Resolve a reference to another schema against the place that it stands in.
//
// Source   RFC 3986, 5.2.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

// "https://a/b/c.json", "d.json#e" -> "https://a/b/d.json#e".
[[nodiscard]] std::string resolved_uri(std::string_view base, std::string_view reference);

// "%25" is "%".
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace llama::internal
