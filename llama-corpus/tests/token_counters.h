// Count tokens in ways that tokenizers have: by bytes, by words, with words that are one token when they are too long,
// with a shorter text of more tokens. Each remembers what it was asked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-corpus/chunker.h"

namespace llama {

struct CountedWork {
  std::size_t calls = 0, bytes = 0, longest = 0;
};

using PlainCount = std::int32_t (*)(std::string_view);

struct NamedCount {
  const char* name;
  PlainCount count;
};

inline std::int32_t count_bytes(std::string_view part) { return static_cast<std::int32_t>(part.size()); }

inline std::int32_t count_characters(std::string_view part) {
  return static_cast<std::int32_t>(std::ranges::count_if(part, [](char c) { return (c & 0xc0) != 0x80; }));
}

// A word is a token for each four of its bytes, or one where it has more than a hundred (WordPiece's [UNK]); spaces
// are none. Two for the ends.
inline std::int32_t count_words(std::string_view part) {
  std::int32_t tokens = 2;
  for (std::size_t at = 0; at < part.size();) {
    std::size_t end = std::min(part.find_first_of(" \n\t", at), part.size());
    if (end > at) tokens += end - at > 100 ? 1 : static_cast<std::int32_t>((end - at + 3) / 4);
    at = end + 1;
  }
  return tokens;
}

// A longer text may have fewer.
inline std::int32_t count_unevenly(std::string_view part) {
  return static_cast<std::int32_t>(part.size() / 3 + std::hash<std::string_view>()(part) % 4);
}

// What is not ASCII is nothing, as where a normalizer removes it.
inline std::int32_t count_ascii(std::string_view part) {
  return static_cast<std::int32_t>(std::ranges::count_if(part, [](char c) { return (c & 0x80) == 0; }));
}

inline constexpr NamedCount kCounts[] = {{"bytes", count_bytes},
                                         {"characters", count_characters},
                                         {"words", count_words},
                                         {"unevenly", count_unevenly},
                                         {"ascii", count_ascii}};

inline TokenCounter counter(PlainCount count, CountedWork& work) {
  return [count, &work](std::string_view part) -> Result<std::int32_t> {
    ++work.calls;
    work.bytes += part.size();
    work.longest = std::max(work.longest, part.size());
    return count(part);
  };
}

}  // namespace llama
