// Decide how a reply is sampled: what the caller wishes, then what the model's file says, then our defaults.
//
// Source   llama.h, enum llama_model_meta_key: keys general.sampling.*.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/generation_request.h"
#include "llama-core/sampler.h"

namespace llama {

struct SamplingChoice {
  SamplingConfig config;
  struct Origin {
    std::string name, value, origin;  // "temperature", "0.6", "model file"
  };
  std::vector<Origin> origins;
};

// Temperature 0.7 and top-p 0.9, for the rest llama.cpp's. A seed that nobody wished is drawn.
[[nodiscard]] SamplingChoice choose_sampling(const SamplingWishes& wishes,
                                             const std::function<std::string(std::string_view key)>& metadata);

}  // namespace llama
