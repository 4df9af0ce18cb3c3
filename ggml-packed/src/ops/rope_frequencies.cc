#include "ops/rope_frequencies.h"

#include <algorithm>
#include <cmath>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// Places in op_params.
//
// Source   ggml.h, ggml_rope_ext, in the order in which its implementation stores them.
constexpr std::size_t kDimensions = 1, kTrainedContext = 4, kBase = 5, kScale = 6, kExtFactor = 7, kAttnFactor = 8,
                      kBetaFast = 9, kBetaSlow = 10;

// From which pair on YaRN begins to slow down, and from which one it does so fully: those that turn beta_fast times and
// beta_slow times in the context that the model was trained with.
struct Ramp {
  double begin, end;
};
Ramp ramp_of(const RopeParameters& p) {
  float bounds[2];
  ggml_rope_yarn_corr_dims(p.dimensions, p.trained_context, p.base, p.beta_fast, p.beta_slow, bounds);
  return {.begin = bounds[0], .end = bounds[1]};
}

}  // namespace

RopeParameters rope_parameters(const ggml_tensor& node) {
  return {.dimensions = node.op_params[kDimensions],
          .trained_context = node.op_params[kTrainedContext],
          .base = float_parameter(node, kBase),
          .scale = float_parameter(node, kScale),
          .ramp = float_parameter(node, kExtFactor),
          .magnitude = float_parameter(node, kAttnFactor),
          .beta_fast = float_parameter(node, kBetaFast),
          .beta_slow = float_parameter(node, kBetaSlow)};
}

// Source   Peng and others: YaRN, Efficient Context Window Extension of Large Language Models, sections 3.2 (the
//          ramp) and 3.4 (the magnitude, 0.1 ln(s) + 1); as in its authors' code the ramp is linear in the pair's
//          number.
RopeFrequencies rope_frequencies(const RopeParameters& p, const float* factors) {
  const auto pairs = static_cast<std::size_t>(p.dimensions / 2);
  RopeFrequencies frequencies{.angles = std::vector<double>(pairs), .magnitude = p.magnitude};
  const bool is_yarn = p.ramp != 0.0F;
  const Ramp ramp = is_yarn ? ramp_of(p) : Ramp{};
  if (is_yarn) frequencies.magnitude *= static_cast<float>(1 - 0.1 * std::log(static_cast<double>(p.scale)));
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto at = static_cast<double>(i);
    double scale = p.scale;
    if (is_yarn) {
      const double slowed = std::clamp((at - ramp.begin) / std::max(0.001, ramp.end - ramp.begin), 0.0, 1.0);
      scale += (1 - scale) * (1 - slowed) * p.ramp;
    }
    frequencies.angles[i] = scale * std::pow(static_cast<double>(p.base), -2.0 * at / p.dimensions);
    if (factors != nullptr) frequencies.angles[i] /= factors[i];
  }
  return frequencies;
}

}  // namespace ggml_packed
