// Choose the next token from a model's logits.
//
// Threads  one at a time.
// Cost     one pass over the vocabulary per token; with a grammar a second one where its first choice is not allowed.
// Source   the order is llama.cpp's (common/sampling.cpp): penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p,
//          XTC, temperature, a draw. A model's suppressed tokens are never drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/grammar.h"
#include "llama-core/model.h"

struct llama_sampler;
struct llama_token_data;

namespace llama {

// The defaults are llama.cpp's.
struct SamplingConfig {
  float temperature = 0.8F;      // 0: always the most likely token
  std::int32_t top_k = 40;       // the most likely ones; 0: all
  float top_p = 0.95F;           // the most likely ones whose probabilities sum to it; 1: all
  float min_p = 0.05F;           // at least this share of the most likely one's probability; 0: all
  float typical_p = 1.0F;        // 1: off
  float top_n_sigma = -1.0F;     // standard deviations below the largest logit; negative: off
  float xtc_probability = 0.0F;  // 0: off
  float xtc_threshold = 0.1F;
  float repeat_penalty = 1.0F;      // of tokens among the last repeat_last_n; 1: off
  std::int32_t repeat_last_n = 64;  // tokens
  float frequency_penalty = 0.0F;   // 0: off
  float presence_penalty = 0.0F;    // 0: off
  float dry_multiplier = 0.0F;      // 0: off
  std::uint32_t seed = 0;           // of the draws

  bool operator==(const SamplingConfig&) const = default;
};

// Errors   InvalidArgument: the setting that is out of its range, or not a number.
[[nodiscard]] Result<void> check(const SamplingConfig& config);

class Sampler {
 public:
  // Errors   as check().
  [[nodiscard]] static Result<Sampler> create(std::shared_ptr<const Model> model, const SamplingConfig& config,
                                              std::optional<Grammar> grammar = std::nullopt);
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  // Let the penalties see what was there before.
  void see(std::span<const Token> tokens);

  // Hold what comes next to another grammar; nothing: to none.
  void set_grammar(std::optional<Grammar> grammar);

  // Draw a token and remember it for the penalties and the grammar.
  //
  // Shape    one float32 per token of the vocabulary.
  // Errors   InvalidArgument (another number of logits; no token goes on with the grammar), Internal (a logit is not
  //          a number, or infinite; a masked token's may be minus infinity).
  [[nodiscard]] Result<Token> sample(std::span<const float> logits);

  // Could the text end here? True without a grammar.
  [[nodiscard]] bool may_end() const;

 private:
  struct Free {
    void operator()(llama_sampler* sampler) const noexcept;
  };
  struct State;
  explicit Sampler(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
