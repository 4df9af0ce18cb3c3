// One request from its submission to its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-agent/decoder.h"
#include "llama-agent/generation_request.h"
#include "../reply/reply.h"
#include "../reply/reply_stream.h"

namespace llama::internal {

using Clock = std::chrono::steady_clock;

// What the engine needs to know of a request.
struct Job {
  std::vector<Token> prompt;              // at least one token, fewer than the context holds
  std::vector<std::int32_t> checkpoints;  // lengths of the prompt's beginnings that a later prompt may share
  std::unique_ptr<TokenSampler> sampler;
  std::unique_ptr<TokenSampler> thinking_sampler;  // none: the thought is drawn as the answer is
  ReplyRules rules;
  std::optional<std::int32_t> thinking_budget;  // tokens
  std::vector<Token> thinking_end;              // what closes a thought that used its budget up
  std::optional<std::int32_t> logprobs;
  SamplingConfig sampling;  // for the response
  std::int32_t dropped_messages = 0;
  Clock::time_point submitted = Clock::now();
  Clock::time_point deadline = Clock::time_point::max();
  std::stop_source cancel;
  std::shared_ptr<ReplyStream> stream;
  std::function<void(GenerationResponse&)> judge;  // may add what it thinks of the reply
  // Called by the engine's thread before the stream ends, with the reply's own tokens and all their bytes.
  std::function<void(const GenerationResponse&, std::span<const Token>, std::string_view)> on_end;
  std::function<void()> on_release;  // called behind it, and also where the request failed
};

struct Running {
  explicit Running(std::unique_ptr<Job> j) : job(std::move(j)), reply(job->rules) {}

  std::unique_ptr<Job> job;
  Reply reply;
  std::int32_t reused = 0;       // tokens of the prompt
  std::optional<Token> next;     // chosen, not computed yet
  std::deque<Token> forced;      // to come next, whatever the model says
  bool thought_closed = false;
  std::vector<Token> generated;
  std::string raw;               // the bytes of `generated`
  Clock::time_point started = Clock::now(), first_token{};

  [[nodiscard]] bool is_reading(std::size_t held) const { return held < job->prompt.size(); }
};

}  // namespace llama::internal
