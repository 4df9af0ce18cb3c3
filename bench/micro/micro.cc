// Measure parts alone: micro [GOOGLE BENCHMARK'S FLAGS] [TEXTS [MODEL.gguf…]]
//
// TEXTS is a file of texts, one a line; each MODEL's tokenizer reads them. Without them no tokenizer is measured.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "benchmarks.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // takes its own flags out
  std::vector<std::string> texts;
  if (argc > 1) {
    std::ifstream file(argv[1]);
    for (std::string line; std::getline(file, line);) texts.push_back(line);
  }
  bench::add_planner_benchmarks();
  bench::add_tokenizer_benchmarks(texts, std::vector<std::string>(argv + std::min(argc, 2), argv + argc));
  bench::add_hash_benchmarks();
  bench::add_matmul_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
