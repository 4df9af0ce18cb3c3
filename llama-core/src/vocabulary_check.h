// Refuse vocabularies on which llama.cpp aborts or throws later.
#pragma once

#include <exception>
#include <string_view>

#include "llama-base/error.h"

struct llama_vocab;

namespace llama::internal {

// Errors   InvalidModel: a token is missing that every text needs.
[[nodiscard]] Result<void> check_special_tokens(const llama_vocab* vocab);

// The error for what llama_tokenize() threw.
//
// Errors   OutOfMemory; InvalidModel: the vocabulary has no tokens for single bytes; for all else `code`, with `what`
//          and the exception's own words.
[[nodiscard]] std::unexpected<Error> thrown_error(const std::exception& thrown, ErrorCode code, std::string_view what);

}  // namespace llama::internal
