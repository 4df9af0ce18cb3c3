// Refuse vocabularies on which llama.cpp aborts or throws later, and keep texts from it on which it does.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "llama-base/error.h"

struct llama_vocab;

namespace llama::internal {

// Errors   InvalidModel: a token is missing that every text needs.
[[nodiscard]] Result<void> check_special_tokens(const llama_vocab* vocab);

// The text with one space in place of each run of white space.
//
// Source   llama.cpp's llama_vocab::impl::find_bpe_rank() aborts at a space that may be merged; where words are what
//          stands between white space ("whitespace"), that is so in each run of them.
[[nodiscard]] std::string single_spaced(std::string_view text);

// The error for what llama_tokenize() threw.
//
// Errors   OutOfMemory; InvalidModel: the vocabulary has no tokens for single bytes; for all else `code`, with `what`
//          and the exception's own words.
[[nodiscard]] std::unexpected<Error> thrown_error(const std::exception& thrown, ErrorCode code, std::string_view what);

}  // namespace llama::internal
