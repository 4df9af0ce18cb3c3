// Read the hub's answers about a repository. Nothing in them is trusted.
//
// Errors   Network: no JSON, or not of the shape.
#pragma once

#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-loader/huggingface.h"

namespace llama::internal {

// {"sha": "40 hex digits", …}
[[nodiscard]] Result<std::string> commit_in(std::string_view json);

// [{"type": "file", "path": …, "size": …, "oid": …, "lfs": {"oid": …, "size": …}, "lastCommit": {"date": …}}, …]
[[nodiscard]] Result<void> add_tree_page(std::string_view json, HubRepository& repository);

// The address marked rel="next" in a Link header, or "".
[[nodiscard]] std::string next_page(std::string_view link);

// Seconds since 1970 of "2026-01-31T12:34:56.000Z"; 0 for anything else.
[[nodiscard]] std::int64_t parse_time(std::string_view text);

}  // namespace llama::internal
