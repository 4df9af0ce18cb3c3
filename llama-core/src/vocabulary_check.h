// Refuse vocabularies on which llama.cpp aborts or throws later.
#pragma once

#include "llama-base/error.h"

struct llama_vocab;

namespace llama::internal {

// Errors   InvalidModel: a token is missing that every text needs.
[[nodiscard]] Result<void> check_special_tokens(const llama_vocab* vocab);

// The error where there are no tokens for single bytes.
[[nodiscard]] std::unexpected<Error> lacks_bytes();

}  // namespace llama::internal
