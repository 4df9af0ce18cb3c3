// Find what URLs mean before they are read: the objects of a glob in S3, and how large each is.
//
// Cost     a request for each file, and those that list a glob's folder.
#pragma once

#include <stop_token>

#include "read/database.h"
#include "read/input_files.h"

namespace llama::internal {

// Makes the environment's credentials known to the database where `text` (a path, a query) names something of S3's.
// Errors   InvalidArgument.
[[nodiscard]] Result<void> use_s3_environment(DuckDatabase& database, std::string_view text,
                                              const std::stop_token& stop);

// Globs become the objects that they match, in the order of names; every file gets its size.
// Errors   NotFound, AccessDenied, Network; the message names the URL.
[[nodiscard]] Result<void> find_remote_files(DuckDatabase& database, InputFiles& files, const std::stop_token& stop);

}  // namespace llama::internal
