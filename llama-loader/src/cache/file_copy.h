// Put a file's content in a second place: a hard link where the file system can, else a copy.
//
// Errors   NoSpace, Io, Cancelled; then nothing is left in the second place.
// Cost     a copy of gigabytes takes seconds to minutes, and ends soon after a stop.
#pragma once

#include <filesystem>
#include <stop_token>

#include "llama-base/error.h"

namespace llama::internal {

[[nodiscard]] Result<void> link_or_copy(const std::filesystem::path& from, const std::filesystem::path& to,
                                        const std::stop_token& stop);

// Always a copy, synced.
[[nodiscard]] Result<void> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                                     const std::stop_token& stop);

}  // namespace llama::internal
