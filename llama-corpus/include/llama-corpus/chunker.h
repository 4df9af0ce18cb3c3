// Divide a long text into chunks of so many tokens.
//
// A chunk ends at a sentence (ICU's, Unicode UAX 29) where one ends in its last half, else between words, else between
// characters as people see them, never inside of one. Chunks cover the text: with no overlap they rebuild it, one after
// the other; with overlap each begins some tokens before the last one's end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct Chunk {
  std::size_t begin = 0, end = 0;                        // bytes of the text
  std::uint64_t start_character = 0, end_character = 0;  // code points of the text
};

struct ChunkLimits {
  std::int32_t max_tokens = 0;      // of a chunk, special ones and the prompt's included
  std::int32_t overlap_tokens = 0;  // below max_tokens
};

// How many tokens the model would read for a part of the text, prompt and special ones included.
using TokenCounter = std::function<Result<std::int32_t>(std::string_view part)>;

// One chunk for a text that fits. Cost: some passes of the tokenizer over the text.
// Errors   those of count_tokens; InvalidArgument: overlap_tokens not below max_tokens, no room for one character.
[[nodiscard]] Result<std::vector<Chunk>> chunk_text(std::string_view text, ChunkLimits limits,
                                                    const TokenCounter& count_tokens);

}  // namespace llama
