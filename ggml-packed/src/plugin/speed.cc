#include "plugin/speed.h"

#include <ggml.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "plugin/sample_product.h"

namespace ggml_packed {
namespace {

using Clock = std::chrono::steady_clock;

// A panel or two and their activations: what fits into the cache of a core.
constexpr ProductShape kShape = {.outputs = 64, .columns = 512, .rows = 96};
constexpr int kTries = 12;  // the best counts: another process on the same core disturbs little

double speed_with(const Kernels& kernels, enum ggml_type type) {
  SampleProduct product(kernels, type, kShape);
  auto best = Clock::duration::max();
  for (int i = 0; i < kTries; ++i) {
    const auto started = Clock::now();
    product.compute();
    best = std::min(best, Clock::now() - started);
  }
  const double nanoseconds = std::chrono::duration<double, std::nano>(best).count();
  return 2.0 * kShape.outputs * kShape.columns * kShape.rows / std::max(nanoseconds, 1.0);
}

}  // namespace

double speed_of(const Kernels& kernels) {
  const double of_16_bits = speed_with(kernels, GGML_TYPE_F16);
  return kernels.has_tiles ? of_16_bits : std::sqrt(speed_with(kernels, GGML_TYPE_Q8_0) * of_16_bits);
}

}  // namespace ggml_packed
