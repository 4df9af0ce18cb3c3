// The credentials of S3 as every tool of AWS takes them: from environment variables.
//
//   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   AWS_REGION, else AWS_DEFAULT_REGION
//   AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL: another store than Amazon's, addressed as ENDPOINT/BUCKET/KEY
//
// Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The process's own; an empty variable is none.
[[nodiscard]] Environment environment_of_process();

// The SQL that makes them known to DuckDB, in memory; nothing where no variable is set.
// Errors   InvalidArgument: one half of a key, an endpoint that is no URL.
[[nodiscard]] Result<std::optional<std::string>> s3_secret_statement(const Environment& environment);

// Does a path or a query name anything of S3's?
[[nodiscard]] bool mentions_s3(std::string_view text);

}  // namespace llama::internal
