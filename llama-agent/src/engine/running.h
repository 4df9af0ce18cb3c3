// A request that has a sequence: its reply, token by token.
//
// Threads  the engine's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "job.h"

namespace llama::internal {

class Running {
 public:
  // reused: tokens of the prompt that need not be computed. A stop of `shutdown` cancels the request.
  Running(std::unique_ptr<Job> job, std::int32_t reused, const std::stop_token& shutdown);
  // Let the sampler see the prompt. Once, before anything else.
  void begin();

  [[nodiscard]] Job& job() { return *job_; }
  [[nodiscard]] const Job& job() const { return *job_; }
  [[nodiscard]] std::int32_t reused() const { return reused_; }
  void limit_reused(std::int32_t tokens) { reused_ = std::min(reused_, tokens); }
  [[nodiscard]] Clock::time_point started() const { return started_; }
  [[nodiscard]] bool is_reading(std::size_t held) const { return held < job_->prompt.size(); }
  // Chosen, not computed yet.
  [[nodiscard]] const std::optional<Token>& next() const { return next_; }

  // Choose the token that follows the logits, and show what became of it. The reason, once the reply is over.
  //
  // Errors   what the sampler says.
  [[nodiscard]] Result<std::optional<FinishReason>> advance(const Decoder& decoder, std::span<const float> logits);
  // End the reply, judge and keep it, and tell its reader.
  void finish(FinishReason reason, const Decoder& decoder);
  // Let it fail.
  void fail_with(Error error) noexcept { job_->end(std::unexpected(std::move(error))); }

 private:
  struct Cancel {
    std::stop_source source;
    void operator()() const { source.request_stop(); }
  };
  Result<Token> choose(std::span<const float> logits);
  [[nodiscard]] GenerationResponse response(const Decoder& decoder) const;

  std::unique_ptr<Job> job_;
  std::stop_callback<Cancel> on_shutdown_;
  Reply reply_;
  GrammarPhase phase_{.grammar = kNoGrammar};  // that the sampler is in
  std::int32_t reused_ = 0;
  std::optional<Token> next_;
  std::deque<Token> forced_;  // to come next, whatever the model says
  bool thought_closed_ = false;
  std::vector<Token> generated_;
  std::string raw_;  // the bytes of `generated_`
  Clock::time_point started_ = Clock::now(), first_token_{};
};

}  // namespace llama::internal
