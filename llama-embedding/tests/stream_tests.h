// What the tests of a stream share.
#pragma once

#include <format>

#include "llama-embedding/batch_processor.h"
#include "scripted_source.h"
#include "test_models.h"

namespace llama {

inline BatchProcessor stream_processor(std::int32_t batch_size = 4) {
  static const auto kModel = load("bert.gguf");
  return BatchProcessor::create(kModel, batch_size).value();
}

inline EmbeddingStream stream_of(std::unique_ptr<TextSource> source, StreamOptions options = {}) {
  return stream_processor(32).process_source(std::move(source), std::move(options)).value();
}

inline std::vector<EmbeddingResult> drain(EmbeddingStream& stream) {
  std::vector<EmbeddingResult> results;
  for (;;) {
    auto next = stream.next();
    EXPECT_TRUE(next) << next.error().message;
    if (!next || !*next) return results;
    results.push_back(std::move(**next));
  }
}

inline SourceText text_of(std::uint64_t row) { return {.row = row, .text = std::format("number {}", row)}; }

}  // namespace llama
