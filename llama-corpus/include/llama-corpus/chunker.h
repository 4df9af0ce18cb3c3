// Divide a long text into chunks of so many tokens.
//
// A chunk ends at a sentence (ICU's, Unicode UAX 29) where one ends in its last half, else between words (where a line
// may be broken, UAX 14) in its last three quarters, else between characters as people see them. It never ends inside
// of one, but for one that alone has more tokens than a chunk may: that is cut between code points. Chunks cover the
// text: with no overlap they rebuild it, one after the other; with overlap each begins some tokens before the last
// one's end, at a word where one begins near there, and goes beyond that end.
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

// One chunk for a text that fits. Every chunk was counted as it is: it has max_tokens at most.
//
// Errors   those of count_tokens (but for the empty part, which is asked for to learn what the prompt takes);
//          InvalidArgument: overlap_tokens not below max_tokens, no room for one character; InvalidText: over 2 GiB.
// Requires valid UTF-8.
// Cost     two or three passes of the tokenizer over the text, whatever it is made of, in parts of about a chunk's
//          length; an eighth of the text's bytes of memory.
[[nodiscard]] Result<std::vector<Chunk>> chunk_text(std::string_view text, ChunkLimits limits,
                                                    const TokenCounter& count_tokens);

}  // namespace llama
