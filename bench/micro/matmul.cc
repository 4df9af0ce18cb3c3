// The plug-in's products of matrices, one thread, at each level that this CPU has.
//
// GFLOPS is the work of the product, as if the zeros that fill up the last panel cost nothing; `peak` is the share of
// what one thread can do at most in that arithmetic with the CPU's best instructions, so that a level that does not use
// them shows what it leaves. By the processor's time, which leaves out what others do on the core. Rounding the
// activations is not part of it.
#include <benchmark/benchmark.h>
#include <ggml.h>

#include <cstddef>
#include <format>
#include <map>
#include <string>

#include "../machine_peak.h"
#include "benchmarks.h"
#include "format/weight_format.h"
#include "plugin/sample_product.h"

namespace bench {
namespace {

using ggml_packed::Format;
using ggml_packed::Kernels;
using ggml_packed::SampleProduct;

struct Shape {
  std::size_t outputs, columns;
};

// Of the 0.6B's layers, and of MiniLM's; named as columns x outputs.
constexpr Shape kShapes[] = {{1024, 1024}, {3072, 1024}, {1024, 3072}, {1536, 384}};
constexpr std::size_t kRows[] = {1, 32, 128, 512};
constexpr const char* kLevels[] = {"avx2", "avx-vnni",     "avx512-vnni", "avx512-bf16", "amx-bf16",
                                   "neon", "neon-dotprod", "neon-i8mm",   "neon-bf16"};

Arithmetic arithmetic_of(Format format) {
  switch (format) {
    case Format::Int8:
    case Format::Int4:
      return Arithmetic::Int8;
    case Format::Bf16:
      return Arithmetic::Bf16;
    case Format::F32:
      return Arithmetic::F32;
  }
  return Arithmetic::F32;
}

// Measured once per arithmetic.
double peak_of(Format format) {
  static std::map<Format, double> known;
  if (const auto found = known.find(format); found != known.end()) return found->second;
  const auto peak = measure_peak(arithmetic_of(format), 1);
  return known[format] = peak ? peak->operations_per_second : 0;
}

void multiply(benchmark::State& state, const Kernels& kernels, ggml_type type, const Shape& shape, std::size_t rows) {
  SampleProduct product(kernels, type, {.outputs = shape.outputs, .columns = shape.columns, .rows = rows});
  for (auto _ : state) {
    product.compute();
    benchmark::ClobberMemory();
  }
  const double work = 2.0 * static_cast<double>(rows * shape.outputs * shape.columns);
  using benchmark::Counter;
  state.counters["GFLOPS"] = Counter(work / 1e9, Counter::kIsIterationInvariantRate);
  if (const double peak = peak_of(*ggml_packed::format_for(type, kernels)); peak > 0) {
    state.counters["peak"] = Counter(work / peak, Counter::kIsIterationInvariantRate);
  }
}

}  // namespace

void add_matmul_benchmarks() {
  for (const char* level : kLevels) {
    const Kernels* kernels = ggml_packed::kernels(level);
    if (kernels == nullptr) continue;
    for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_BF16, GGML_TYPE_F32}) {
      // Without bf16 in hardware BF16 weights are multiplied as f32: measured there already.
      if (type == GGML_TYPE_BF16 && !kernels->has_bf16) continue;
      for (const Shape& shape : kShapes) {
        if (shape.columns % static_cast<std::size_t>(ggml_blck_size(type)) != 0) continue;
        for (const std::size_t rows : kRows) {
          const std::string name =
              std::format("matmul/{}/{}/{}x{}/{}", level, ggml_type_name(type), shape.columns, shape.outputs, rows);
          benchmark::RegisterBenchmark(name,
                                       [=](benchmark::State& state) { multiply(state, *kernels, type, shape, rows); });
        }
      }
    }
  }
}

}  // namespace bench
