// Write text into a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

// The text as it stands between a JSON string's quotes. Any bytes but those that JSON escapes are kept.
void append_in_quotes(std::string_view text, std::string& json);
[[nodiscard]] std::string json_string(std::string_view text);  // with its quotes

}  // namespace llama::internal
