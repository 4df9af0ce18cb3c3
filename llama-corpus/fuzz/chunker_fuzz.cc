// A text of any bytes, made UTF-8, cut by limits that its first bytes say: no crash, no hang; chunks that cover the
// text, fit, and cut no character; the same bytes as they are, which are not promised anything but an end.
#include <cstdint>
#include <cstdlib>
#include <print>

#include "../tests/chunk_properties.h"
#include "../tests/token_counters.h"
#include "llama-base/utf8_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 3), size - 3);
  llama::ChunkLimits limits;
  limits.max_tokens = 10 + data[0];
  limits.overlap_tokens = data[1] % limits.max_tokens;
  const auto& count = llama::kCounts[data[2] % std::size(llama::kCounts)];
  llama::CountedWork work;
  const auto as_it_is = llama::chunk_text(bytes, limits, llama::counter(count.count, work));
  if (as_it_is && as_it_is->back().end != bytes.size()) std::abort();
  const std::string text = llama::internal::whole_characters(bytes);
  const auto chunks = llama::chunk_text(text, limits, llama::counter(count.count, work));
  if (!chunks) {
    std::println(stderr, "chunker_fuzz: {}", chunks.error().message);
    std::abort();
  }
  const bool has_order = count.count != llama::count_words && count.count != llama::count_unevenly;
  if (const auto wrong = llama::wrong_with(text, *chunks, limits, count.count, has_order); !wrong.empty()) {
    std::println(stderr, "chunker_fuzz: {}", wrong);
    std::abort();
  }
  return 0;
}
