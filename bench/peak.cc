// Print what this machine's cores can do at most (machine_peak.h) as one JSON object: peak [THREADS]
//
// Units    GFLOPS and GOPS. What the CPU does not have is null.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <print>
#include <thread>

#include "machine_peak.h"

namespace {

nlohmann::json measure(bench::Arithmetic arithmetic, unsigned threads) {
  const auto peak = bench::measure_peak(arithmetic, threads);
  if (!peak) return nullptr;
  return {{"level", peak->level}, {"giga", std::lround(peak->operations_per_second / 1e9)}};
}

}  // namespace

int main(int argc, char** argv) {
  const long wanted = argc > 1 ? std::strtol(argv[1], nullptr, 10) : std::thread::hardware_concurrency();
  const auto threads = static_cast<unsigned>(std::clamp(wanted, 1L, 1024L));
  const nlohmann::json peaks = {{"threads", threads},
                                {"f32", measure(bench::Arithmetic::F32, threads)},
                                {"bf16", measure(bench::Arithmetic::Bf16, threads)},
                                {"int8", measure(bench::Arithmetic::Int8, threads)}};
  std::println("{}", peaks.dump());
}
