#include "llama-core/sampler.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <format>
#include <limits>
#include <string_view>
#include <utility>

namespace llama {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

Result<void> in_range(std::string_view name, float value, float least, float most) {
  if (value >= least && value <= most) return {};  // false for NaN
  return fail(ErrorCode::InvalidArgument,
              std::format("{} must be between {} and {}, got {}", name, least, most, value));
}

}  // namespace

Result<void> check(const SamplingConfig& c) {
  struct Bound {
    std::string_view name;
    float value, least, most;
  };
  const std::array bounds{
      Bound{"temperature", c.temperature, 0, 100},
      Bound{"top-k", static_cast<float>(c.top_k), 0, 1e9F},
      Bound{"top-p", c.top_p, 0, 1},
      Bound{"min-p", c.min_p, 0, 1},
      Bound{"typical-p", c.typical_p, 0, 1},
      Bound{"top-n-sigma", c.top_n_sigma, -1, 100},
      Bound{"XTC probability", c.xtc_probability, 0, 1},
      Bound{"XTC threshold", c.xtc_threshold, 0, 1},
      Bound{"repeat penalty", c.repeat_penalty, 0.01F, 100},
      Bound{"repeat window", static_cast<float>(c.repeat_last_n), 0, 1 << 20},
      Bound{"frequency penalty", c.frequency_penalty, -100, 100},
      Bound{"presence penalty", c.presence_penalty, -100, 100},
      Bound{"DRY multiplier", c.dry_multiplier, 0, 100},
  };
  for (const auto& bound : bounds) {
    if (auto sound = in_range(bound.name, bound.value, bound.least, bound.most); !sound) return sound;
  }
  return {};
}

struct Sampler::State {
  std::shared_ptr<const Model> model;
  std::unique_ptr<llama_sampler, Free> chain;
  std::optional<Grammar> grammar;
  std::vector<llama_token_data> candidates;
  std::vector<float> restricted;

  // The token that the chain draws; none where no token is left.
  std::optional<Token> draw(std::span<const float> logits) {
    candidates.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0.0F};
    }
    llama_token_data_array array{.data = candidates.data(), .size = candidates.size(), .selected = -1, .sorted = false};
    try {
      llama_sampler_apply(chain.get(), &array);
    } catch (const std::exception&) {
      return std::nullopt;
    }
    if (array.selected < 0 || std::cmp_greater_equal(array.selected, array.size)) return std::nullopt;
    return array.data[array.selected].id;
  }

  // One with which the grammar has gone on. One token's test is cheap: only where it fails is the whole vocabulary held
  // against the grammar, and then there may still be tokens that it refuses (Grammar::restrict_to()).
  Result<Token> draw_allowed(std::span<const float> logits) {
    auto token = draw(logits);
    if (!grammar) return token ? Result<Token>(*token) : fail(ErrorCode::Internal, "llama.cpp drew no token");
    if (token && grammar->accept(*token)) return *token;
    restricted.assign(logits.begin(), logits.end());
    grammar->restrict_to(restricted);
    while ((token = draw(restricted)) && std::isfinite(restricted[static_cast<std::size_t>(*token)])) {
      if (grammar->accept(*token)) return *token;
      restricted[static_cast<std::size_t>(*token)] = kNever;
    }
    return fail(ErrorCode::InvalidArgument, "no token of this model goes on with the grammar");
  }
};

void Sampler::Free::operator()(llama_sampler* sampler) const noexcept { llama_sampler_free(sampler); }
Sampler::Sampler(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

Result<Sampler> Sampler::create(std::shared_ptr<const Model> model, const SamplingConfig& config,
                                std::optional<Grammar> grammar) {
  if (model == nullptr) return fail(ErrorCode::InvalidArgument, "a sampler needs a model");
  if (auto sound = check(config); !sound) return std::unexpected(sound.error());
  const llama_vocab* vocab = llama_model_get_vocab(model->model_.get());
  const std::int32_t size = llama_vocab_n_tokens(vocab);
  // llama.cpp reads one of the seeds as "a random one".
  const std::uint32_t seed = config.seed == LLAMA_DEFAULT_SEED ? config.seed - 1 : config.seed;

  auto state = std::make_unique<State>();
  state->chain.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  const auto add = [&](llama_sampler* sampler) { llama_sampler_chain_add(state->chain.get(), sampler); };

  std::int32_t suppressed_count = 0;
  if (const llama_token* suppressed = llama_vocab_get_suppress_tokens(vocab, &suppressed_count);
      suppressed != nullptr && suppressed_count > 0) {
    std::vector<llama_logit_bias> biases;
    for (std::int32_t i = 0; i < suppressed_count; ++i) biases.push_back({.token = suppressed[i], .bias = kNever});
    add(llama_sampler_init_logit_bias(size, suppressed_count, biases.data()));
  }
  if (config.repeat_last_n > 0 &&
      (config.repeat_penalty != 1 || config.frequency_penalty != 0 || config.presence_penalty != 0)) {
    add(llama_sampler_init_penalties(size, config.repeat_last_n, config.repeat_penalty, config.frequency_penalty,
                                     config.presence_penalty));
  }
  if (config.dry_multiplier > 0) {
    std::array<const char*, 4> breakers{"\n", ":", "\"", "*"};
    add(llama_sampler_init_dry(vocab, config.dry_multiplier, 1.75F, 2, config.repeat_last_n, breakers.data(),
                               breakers.size()));
  }
  if (config.temperature <= 0) {
    add(llama_sampler_init_greedy());
  } else {
    if (config.top_n_sigma >= 0) add(llama_sampler_init_top_n_sigma(config.top_n_sigma));
    if (config.top_k > 0) add(llama_sampler_init_top_k(config.top_k));
    if (config.typical_p < 1) add(llama_sampler_init_typical(config.typical_p, 1));
    if (config.top_p < 1) add(llama_sampler_init_top_p(config.top_p, 1));
    if (config.min_p > 0) add(llama_sampler_init_min_p(config.min_p, 1));
    if (config.xtc_probability > 0) {
      add(llama_sampler_init_xtc(config.xtc_probability, config.xtc_threshold, 1, seed));
    }
    add(llama_sampler_init_temp(config.temperature));
    add(llama_sampler_init_dist(seed));
  }
  state->model = std::move(model);
  state->grammar = std::move(grammar);
  return Sampler(std::move(state));
}

void Sampler::set_grammar(std::optional<Grammar> grammar) { state_->grammar = std::move(grammar); }

void Sampler::see(std::span<const Token> tokens) {
  for (const Token token : tokens) llama_sampler_accept(state_->chain.get(), token);
}

Result<Token> Sampler::sample(std::span<const float> logits) {
  State& state = *state_;
  if (logits.size() != static_cast<std::size_t>(state.model->vocabulary_size())) {
    return fail(ErrorCode::InvalidArgument,
                std::format("{} logits for a vocabulary of {} tokens", logits.size(), state.model->vocabulary_size()));
  }
  // Minus infinity is how a model rules a token out; but one that rules out all of them says nothing.
  bool is_any_finite = false;
  for (const float logit : logits) {
    if (std::isnan(logit)) return fail(ErrorCode::Internal, "the model computed a logit that is not a number");
    if (logit == std::numeric_limits<float>::infinity()) {
      return fail(ErrorCode::Internal, "the model computed a logit that is infinite");
    }
    is_any_finite = is_any_finite || std::isfinite(logit);
  }
  if (!is_any_finite) return fail(ErrorCode::Internal, "the model computed no logit that is finite");
  const auto token = state.draw_allowed(logits);
  if (token) llama_sampler_accept(state.chain.get(), *token);
  return token;
}

bool Sampler::may_end() const { return !state_->grammar || state_->grammar->may_end(); }

}  // namespace llama
