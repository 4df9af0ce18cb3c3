// The plug-in's products of matrices, one thread, at each level that this CPU has.
//
// GFLOPS is the work of the product, as if the zeros that fill up the last panel cost nothing; `peak` is the share of
// what one thread can do at most in that arithmetic with the CPU's best instructions, so that a level that does not use
// them shows what it leaves. By the processor's time, which leaves out what others do on the core. Rounding the
// activations is not part of it.
#include <benchmark/benchmark.h>
#include <ggml.h>

#include <algorithm>
#include <cstddef>
#include <format>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "../machine_peak.h"
#include "benchmarks.h"
#include "kernels.h"
#include "matmul.h"
#include "packed_matrix.h"
#include "thread_team.h"

namespace bench {
namespace {

using ggml_packed::Activations;
using ggml_packed::BlockScale;
using ggml_packed::Format;
using ggml_packed::Kernels;
using ggml_packed::PackedMatrix;

struct Shape {
  std::size_t outputs, columns;
};

// Of the 0.6B's layers, and of MiniLM's; named as columns x outputs.
constexpr Shape kShapes[] = {{1024, 1024}, {3072, 1024}, {1536, 384}};
constexpr std::size_t kRows[] = {1, 32, 128, 512};
constexpr const char* kLevels[] = {"avx2", "avx512-vnni", "avx512-bf16"};

Arithmetic arithmetic_of(Format format) {
  switch (format) {
    case Format::Int8:
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

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

PackedMatrix packed(ggml_type type, const Shape& shape, const Kernels& kernels) {
  const auto values = random_values(shape.outputs * shape.columns, 1);
  ggml_tensor tensor{};
  tensor.type = type;
  tensor.ne[0] = static_cast<std::int64_t>(shape.columns);
  tensor.ne[1] = static_cast<std::int64_t>(shape.outputs);
  tensor.ne[2] = tensor.ne[3] = 1;
  tensor.nb[0] = ggml_type_size(type);
  tensor.nb[1] = ggml_row_size(type, tensor.ne[0]);
  std::vector<std::byte> bytes(tensor.nb[1] * shape.outputs);
  ggml_quantize_chunk(type, values.data(), bytes.data(), 0, tensor.ne[1], tensor.ne[0], nullptr);
  tensor.data = bytes.data();
  ggml_packed::ThreadTeam team(1);
  return {tensor, *ggml_packed::format_for(type, kernels), kernels.panel_rows, kernels.int8_sign, team};
}

// Rows of activations, rounded as the format wants them.
struct Rows {
  Rows(Format format, std::size_t rows, std::size_t columns, const Kernels& kernels)
      : f32(random_values(rows * columns, 2)) {
    activations.stride = columns;
    if (format == Format::Int8) {
      int8.resize(rows * columns);
      scales.resize(rows * columns / ggml_packed::kBlock);
      kernels.quantize(f32.data(), f32.size(), int8.data(), scales.data());
      activations.int8 = int8.data();
      activations.scales = scales.data();
    } else if (format == Format::Bf16) {
      bf16.resize(rows * columns);
      kernels.to_bf16(f32.data(), f32.size(), bf16.data());
      activations.bf16 = bf16.data();
    } else {
      activations.f32 = f32.data();
    }
  }
  std::vector<float> f32;
  std::vector<std::int8_t> int8;
  std::vector<BlockScale> scales;
  std::vector<std::uint16_t> bf16;
  Activations activations{};
};

void multiply(benchmark::State& state, const Kernels& kernels, ggml_type type, const Shape& shape, std::size_t rows) {
  const PackedMatrix weights = packed(type, shape, kernels);
  const Rows input(weights.format(), rows, shape.columns, kernels);
  std::vector<float> out(rows * shape.outputs);
  for (auto _ : state) {
    for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
      kernels.multiply(weights, panel, input.activations, 0, rows, {.data = out.data(), .stride = shape.outputs});
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  const double work = 2.0 * static_cast<double>(rows * shape.outputs * shape.columns);
  using benchmark::Counter;
  state.counters["GFLOPS"] = Counter(work / 1e9, Counter::kIsIterationInvariantRate);
  if (const double peak = peak_of(weights.format()); peak > 0) {
    state.counters["peak"] = Counter(work / peak, Counter::kIsIterationInvariantRate);
  }
}

}  // namespace

void add_matmul_benchmarks() {
  for (const char* level : kLevels) {
    const Kernels* kernels = ggml_packed::kernels(level);
    if (kernels == nullptr) continue;
    for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_BF16, GGML_TYPE_F32}) {
      // Without bf16 in hardware BF16 weights are multiplied as f32: measured there already.
      if (type == GGML_TYPE_BF16 && !kernels->has_bf16) continue;
      for (const Shape& shape : kShapes) {
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
