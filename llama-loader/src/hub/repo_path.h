// Refuse names that must not become file names, wherever they come from: a user, a server, a manifest.
#pragma once

#include <string_view>

namespace llama::internal {

// "BF16/model-00001-of-00002.gguf": relative, with '/' between parts; no part is empty, "." or "..", longer than 255
// bytes, or has a back-slash, a colon in second place ("c:"), NUL or other control characters; all is UTF-8.
[[nodiscard]] bool is_safe_path(std::string_view path);

// "organization/model" of letters, digits, '-', '_', '.'; no part begins with '.' or '-'.
[[nodiscard]] bool is_repo_name(std::string_view name);

// A branch, a tag or a commit: no control characters, no back-slash, no "..", at most 255 bytes, not empty.
[[nodiscard]] bool is_revision(std::string_view revision);

[[nodiscard]] bool is_hex(std::string_view text, std::size_t digits);  // lower case

}  // namespace llama::internal
