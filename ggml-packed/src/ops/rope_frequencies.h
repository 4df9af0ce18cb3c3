// How fast rotary positions turn each pair of a head's values.
//
// Threads  pure functions.
#pragma once

#include <ggml.h>

#include <vector>

namespace ggml_packed {

// Of a ROPE node.
struct RopeParameters {
  int dimensions = 0;  // of a head that turn, one after the other: an even number
  int trained_context = 0;
  float base = 0, scale = 1;
  float ramp = 0;       // YaRN's, how much of it: 0 none, 1 all
  float magnitude = 1;  // of the turned values, beside YaRN's own
  float beta_fast = 0, beta_slow = 0;

  bool operator==(const RopeParameters&) const = default;
};
[[nodiscard]] RopeParameters rope_parameters(const ggml_tensor& node);

struct RopeFrequencies {
  std::vector<double> angles;  // per position, of each pair: dimensions / 2
  float magnitude = 1;
};
// factors   nullptr, or what each frequency is divided by.
[[nodiscard]] RopeFrequencies rope_frequencies(const RopeParameters& parameters, const float* factors);

}  // namespace ggml_packed
