// The digests: MD5 of each text, SHA-256 of a downloaded file.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <format>
#include <span>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "llama-base/digest.h"
#include "llama-embedding/embedding_result.h"

namespace bench {
namespace {

void md5(benchmark::State& state, std::size_t size) {
  const std::string text(size, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(llama::md5_hex(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
  state.SetItemsProcessed(state.iterations());
}

void sha256(benchmark::State& state, std::size_t size) {
  using llama::internal::DigestKind;
  const std::vector<std::byte> bytes(size, std::byte{1});
  llama::internal::Hasher hasher(DigestKind::Sha256, 0);
  for (auto _ : state) hasher.update(bytes);
  benchmark::DoNotOptimize(hasher.finish().hex);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

}  // namespace

void add_hash_benchmarks() {
  for (const std::size_t size : {100, 2000}) {
    benchmark::RegisterBenchmark(std::format("md5/text of {} bytes", size),
                                 [=](benchmark::State& state) { md5(state, size); });
  }
  benchmark::RegisterBenchmark("sha256/256 KiB at once", [](benchmark::State& state) { sha256(state, 256 << 10); });
}

}  // namespace bench
