// Turn Arrow's status into an error of ours.
#pragma once

#include <arrow/status.h>

#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

// name: what was read, "file 'x.parquet'". Io, OutOfMemory, Cancelled, or InvalidText: it is no such file, or damaged.
[[nodiscard]] std::unexpected<Error> arrow_read_failure(const arrow::Status& status, std::string_view name);

}  // namespace llama::internal
