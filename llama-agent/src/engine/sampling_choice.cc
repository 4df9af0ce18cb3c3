#include "llama-agent/sampling_choice.h"

#include <charconv>
#include <cmath>
#include <format>
#include <optional>
#include <random>

namespace llama {
namespace {

constexpr float kTemperature = 0.7F;
constexpr float kTopP = 0.9F;

template <class T>
std::optional<T> number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

SamplingChoice choose_sampling(const SamplingWishes& wishes,
                               const std::function<std::string(std::string_view)>& metadata) {
  SamplingChoice choice;
  SamplingConfig& config = choice.config;
  config.temperature = kTemperature;
  config.top_p = kTopP;
  // A value of the file that makes no sense is as good as none.
  const auto decide = [&]<class T>(std::string_view name, std::string_view key, const std::optional<T>& wish,
                                   T& value) {
    std::string origin = "default";
    if (wish) {
      value = *wish;
      origin = "request";
    } else if (const auto stored = number<T>(metadata(std::format("general.sampling.{}", key)))) {
      const T before = value;
      value = *stored;
      if (check(config)) {
        origin = "model file";
      } else {
        value = before;
      }
    }
    choice.origins.push_back({std::string(name), std::format("{}", value), origin});
  };
  decide("temperature", "temp", wishes.temperature, config.temperature);
  decide("top-k", "top_k", wishes.top_k, config.top_k);
  decide("top-p", "top_p", wishes.top_p, config.top_p);
  decide("min-p", "min_p", wishes.min_p, config.min_p);
  decide("XTC probability", "xtc_probability", std::optional<float>(), config.xtc_probability);
  decide("XTC threshold", "xtc_threshold", std::optional<float>(), config.xtc_threshold);
  decide("repeat penalty", "penalty_repeat", wishes.repeat_penalty, config.repeat_penalty);
  decide("repeat window", "penalty_last_n", std::optional<std::int32_t>(), config.repeat_last_n);
  config.seed = wishes.seed ? *wishes.seed : std::random_device()();
  choice.origins.push_back({"seed", std::format("{}", config.seed), wishes.seed ? "request" : "random"});
  return choice;
}

}  // namespace llama
