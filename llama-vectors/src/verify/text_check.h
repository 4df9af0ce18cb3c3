// Read a whole file once: the MD5 of each text, and which vectors no model gives.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/verification.h"

namespace llama::internal {

// The columns that verification looks at: "" where there is none.
struct CheckedColumns {
  std::string text, hash;
};

// Errors   InvalidArgument: a text column that was asked for is not there.
[[nodiscard]] Result<CheckedColumns> choose_checked(const VectorFile& file, const VerifyOptions& options);

// The beginning of a text that may be long, not cut within a character.
[[nodiscard]] std::string beginning_of(std::string_view text);

// Fills in what can be told without a model. Wrong rows come in the file's order, no more than max_listed.
[[nodiscard]] Result<Verification> check_texts(const VectorFile& file, const CheckedColumns& columns,
                                               const VerifyOptions& options, const std::stop_token& stop);

}  // namespace llama::internal
