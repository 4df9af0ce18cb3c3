// Texts to tokens, as embed does it: our WordPiece for BERT, llama.cpp's byte pairs for others.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <format>
#include <memory>
#include <print>

#include "benchmarks.h"
#include "llama-core/model.h"
#include "text_tokenizer.h"

namespace bench {
namespace {

using llama::internal::TextTokenizer;

void tokenize(benchmark::State& state, const TextTokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::int64_t bytes = 0, tokens = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::string& text = texts[next++ % texts.size()];
    const auto found = tokenizer(text);
    if (!found) return state.SkipWithError(found.error().message);
    bytes += static_cast<std::int64_t>(text.size());
    tokens += static_cast<std::int64_t>(found->tokens.size());
  }
  state.SetBytesProcessed(bytes);
  state.counters["tokens_per_second"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

}  // namespace

void add_tokenizer_benchmarks(const std::vector<std::string>& texts, const std::vector<std::string>& models) {
  if (texts.empty()) return;
  const auto shared = std::make_shared<const std::vector<std::string>>(texts);
  for (const std::string& file : models) {
    const std::array<std::filesystem::path, 1> path{file};
    const auto model = llama::Model::load(path);
    if (!model) {
      std::println(stderr, "micro: {}", model.error().message);
      continue;
    }
    auto made = TextTokenizer::create(*model, {});
    if (!made) {
      std::println(stderr, "micro: {}: {}", file, made.error().message);
      continue;
    }
    const auto tokenizer = std::make_shared<const TextTokenizer>(std::move(*made));
    benchmark::RegisterBenchmark(std::format("tokenize/{}", path[0].stem().string()),
                                 [=](benchmark::State& state) { tokenize(state, *tokenizer, *shared); });
  }
}

}  // namespace bench
