// Compute the digest of a whole file.
//
// Errors   NotFound, Io, Cancelled.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>

#include "llama-base/digest.h"
#include "llama-base/error.h"

namespace llama::internal {

[[nodiscard]] Result<Digest> digest_of_file(const std::filesystem::path& file, DigestKind kind,
                                            const std::function<void(std::uint64_t bytes_done)>& on_progress,
                                            const std::stop_token& stop);

}  // namespace llama::internal
