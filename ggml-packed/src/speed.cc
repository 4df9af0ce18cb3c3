#include "speed.h"

#include <ggml.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "matmul.h"

namespace ggml_packed {
namespace {

using Clock = std::chrono::steady_clock;

// A panel or two and their activations: what fits into the cache of a core.
constexpr std::size_t kOutputs = 64, kColumns = 512, kRows = 96;
constexpr int kTries = 12;  // the best counts: another process on the same core disturbs little

double speed_with(const Kernels& kernels, enum ggml_type type) {
  std::vector<float> values(kOutputs * kColumns), x(kRows * kColumns, 0.5F), out(kRows * kOutputs);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) / 17 - 0.5F;
  ggml_tensor weights{};
  weights.type = type;
  weights.ne[0] = kColumns;
  weights.ne[1] = kOutputs;
  weights.ne[2] = weights.ne[3] = 1;
  weights.nb[0] = ggml_type_size(type);
  weights.nb[1] = ggml_row_size(type, kColumns);
  std::vector<std::byte> bytes(weights.nb[1] * kOutputs);
  weights.data = bytes.data();
  ggml_quantize_chunk(type, values.data(), bytes.data(), 0, kOutputs, kColumns, nullptr);

  ThreadTeam team(1);
  const PackedMatrix packed(weights, *format_for(type, kernels), kernels.panel_rows, kernels.int8_sign, team);
  std::vector<std::int8_t> int8(x.size());
  std::vector<BlockScale> scales(x.size() / kBlock);
  std::vector<std::uint16_t> bf16(x.size());
  for (std::size_t m = 0; m < kRows; ++m) {
    kernels.quantize(x.data() + m * kColumns, kColumns, int8.data() + m * kColumns,
                     scales.data() + m * kColumns / kBlock);
    kernels.to_bf16(x.data() + m * kColumns, kColumns, bf16.data() + m * kColumns);
  }
  const Activations activations{
      .int8 = int8.data(), .scales = scales.data(), .bf16 = bf16.data(), .f32 = x.data(), .stride = kColumns};
  auto best = Clock::duration::max();
  for (int i = 0; i < kTries; ++i) {
    const auto started = Clock::now();
    for (std::size_t panel = 0; panel < packed.panels(); ++panel) {
      kernels.multiply(packed, panel, activations, 0, kRows, {.data = out.data(), .stride = kOutputs});
    }
    best = std::min(best, Clock::now() - started);
  }
  const double nanoseconds = std::chrono::duration<double, std::nano>(best).count();
  return 2.0 * kOutputs * kColumns * kRows / std::max(nanoseconds, 1.0);
}

}  // namespace

double speed_of(const Kernels& kernels) {
  return std::sqrt(speed_with(kernels, GGML_TYPE_Q8_0) * speed_with(kernels, GGML_TYPE_F16));
}

}  // namespace ggml_packed
