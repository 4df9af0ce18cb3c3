// Packing one window of texts into passes.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <format>
#include <random>
#include <vector>

#include "benchmarks.h"
#include "llama-embedding/batch_plan.h"

namespace bench {
namespace {

constexpr std::size_t kTexts = 1024;  // of a window

// Lengths evenly spread over the logarithm from `least` to `most` tokens.
std::vector<std::size_t> lengths(double least, double most) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> logarithm(std::log(least), std::log(most));
  std::vector<std::size_t> all(kTexts);
  for (auto& one : all) one = static_cast<std::size_t>(std::lround(std::exp(logarithm(random))));
  return all;
}

void plan(benchmark::State& state, double least, double most, std::size_t budget) {
  const auto all = lengths(least, most);
  for (auto _ : state) benchmark::DoNotOptimize(llama::plan_batches(all, budget, 32));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kTexts));
}

}  // namespace

void add_planner_benchmarks() {
  for (const std::size_t budget : {256, 512, 1024}) {
    benchmark::RegisterBenchmark(std::format("plan/8 to 64 tokens/budget {}", budget),
                                 [=](benchmark::State& state) { plan(state, 8, 64, budget); });
    benchmark::RegisterBenchmark(std::format("plan/8 to 512 tokens/budget {}", budget),
                                 [=](benchmark::State& state) { plan(state, 8, 512, budget); });
  }
}

}  // namespace bench
