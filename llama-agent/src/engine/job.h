// What the engine needs to know of a request, and how it ends.
//
// A job ends once: with a response, with an error, or, where it is dropped on the way because something threw, by its
// destructor. So its reader never waits for ever, and its session never stays taken.
// Threads  one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "../reply/reply.h"
#include "../reply/reply_stream.h"
#include "llama-agent/decoder.h"
#include "llama-agent/generation_request.h"
#include "request_counts.h"

namespace llama::internal {

using Clock = std::chrono::steady_clock;

struct Job {
  Job() = default;
  ~Job() {
    if (!has_ended_) end(std::unexpected(std::move(lost_)));
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Tells the counts, gives the lease back, ends the stream: who sees the end finds everything as it is then.
  void end(Result<GenerationResponse> end) noexcept {
    if (std::exchange(has_ended_, true)) return;
    if (counts) counts->ended(has_begun, prompt.size(), end);
    lease.reset();
    if (stream) stream->end(std::move(end));
  }

  std::vector<Token> prompt;              // at least one token, fewer than the context holds
  std::vector<std::int32_t> checkpoints;  // lengths of the prompt's beginnings that a later prompt may share
  std::unique_ptr<TokenSampler> sampler;
  // The sampler's number of each grammar that the reply's format may ask for (GrammarPhase): first the request's.
  std::vector<std::optional<std::size_t>> grammars;
  ReplyRules rules;
  std::vector<Token> shown_control_tokens;      // that the reply's format wants to see, sorted
  std::optional<std::int32_t> thinking_budget;  // tokens
  std::vector<Token> thinking_end;              // what closes a thought that used its budget up
  std::optional<std::int32_t> logprobs;
  SamplingConfig sampling;  // for the response
  std::int32_t dropped_messages = 0;
  Clock::time_point submitted = Clock::now();
  Clock::time_point deadline = Clock::time_point::max();
  std::stop_source cancel;
  std::shared_ptr<ReplyStream> stream;
  std::shared_ptr<void> lease;            // given back when the request ends
  std::shared_ptr<RequestCounts> counts;  // set by the engine
  bool has_begun = false;                 // set by the engine
  // What is called before the end, by the engine's thread. They may throw, and the response says so.
  std::function<void(GenerationResponse&)> judge;  // may add what it thinks of the reply
  // With the reply's own tokens and all their bytes; returns why the reply was not kept, or "".
  std::function<std::string(const GenerationResponse&, std::span<const Token>, std::string_view)> on_end;

 private:
  Error lost_{ErrorCode::OutOfMemory, "the request was dropped: there was no memory to go on with it"};
  bool has_ended_ = false;
};

}  // namespace llama::internal
