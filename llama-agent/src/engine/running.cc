#include "running.h"

#include <algorithm>
#include <utility>

#include "guarded.h"
#include "log_probabilities.h"

namespace llama::internal {
namespace {

constexpr std::size_t kSeenOfPrompt = 256;  // tokens that the penalties know of

std::chrono::milliseconds milliseconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

std::optional<TokenLogProb> log_prob_of(const Decoder& decoder, std::span<const float> logits, Token token,
                                        std::optional<std::int32_t> count) {
  if (!count) return std::nullopt;
  const auto found = log_probabilities(logits, token, *count);
  TokenLogProb all{.bytes = decoder.piece(token), .logprob = found.front().logprob, .alternatives = {}};
  for (const auto& other : std::span(found).subspan(1)) {
    all.alternatives.push_back({decoder.piece(other.token), other.logprob});
  }
  return all;
}

}  // namespace

Running::Running(std::unique_ptr<Job> job, std::int32_t reused, const std::stop_token& shutdown)
    : job_(std::move(job)), on_shutdown_(shutdown, Cancel{job_->cancel}), reply_(job_->rules), reused_(reused) {}

void Running::begin() {
  job_->sampler->see(std::span(job_->prompt).last(std::min(kSeenOfPrompt, job_->prompt.size())));
}

Result<Token> Running::choose(std::span<const float> logits) {
  if (!forced_.empty()) {
    const Token token = forced_.front();
    forced_.pop_front();
    return token;
  }
  if (const GrammarPhase wished = reply_.grammar(); wished != phase_) {
    const auto at = static_cast<std::size_t>(std::max(wished.grammar, 0));
    const bool is_free = wished.grammar == kNoGrammar || at >= job_->grammars.size();
    if (!job_->grammars.empty()) {
      auto held = job_->sampler->hold_to(is_free ? std::nullopt : job_->grammars[at]);
      if (!held) return std::unexpected(held.error());
    }
    phase_ = wished;
  }
  return job_->sampler->sample(logits);
}

Result<std::optional<FinishReason>> Running::advance(const Decoder& decoder, std::span<const float> logits) {
  if (generated_.empty()) first_token_ = Clock::now();
  const auto token = choose(logits);
  if (!token) return std::unexpected(token.error());

  std::string bytes = decoder.piece(*token);
  if (decoder.ends_generation(*token)) {
    if (job_->rules.stopping.end_of_sequence) return FinishReason::EndOfSequence;
    bytes.clear();
  }
  generated_.push_back(*token);
  raw_ += bytes;
  const bool is_control = decoder.is_control(*token);
  const bool is_shown = is_control && std::ranges::binary_search(job_->shown_control_tokens, *token);
  if (is_control && !is_shown) bytes.clear();
  StreamChunk chunk = reply_.push({.bytes = bytes,
                                   .control = is_shown ? std::optional(*token) : std::nullopt,
                                   .logprob = log_prob_of(decoder, logits, *token, job_->logprobs)});
  if (!chunk.events.empty()) job_->stream->write(std::move(chunk));
  if (reply_.finished()) return reply_.finished();
  if (job_->thinking_budget && reply_.is_thinking() && !thought_closed_ &&
      reply_.thinking_tokens() >= *job_->thinking_budget) {
    forced_.assign(job_->thinking_end.begin(), job_->thinking_end.end());
    thought_closed_ = true;
  }
  next_ = *token;
  return std::nullopt;
}

GenerationResponse Running::response(const Decoder& decoder) const {
  const auto now = Clock::now();
  const bool began = !generated_.empty();
  return {
      .generated_text = reply_.answer(),
      .thinking = reply_.thinking(),
      .tool_calls = reply_.tool_calls(),
      .unfinished_call = reply_.unfinished_call(),
      .finish_reason = *reply_.finished(),
      .finish_detail = reply_.finish_detail(),
      .usage = {.prompt_tokens = static_cast<std::int32_t>(job_->prompt.size()),
                .reused_tokens = reused_,
                .generated_tokens = static_cast<std::int32_t>(generated_.size()),
                .dropped_messages = job_->dropped_messages},
      .queue_time = milliseconds_between(job_->submitted, started_),
      .prompt_time = milliseconds_between(started_, began ? first_token_ : now),
      .generation_time = began ? milliseconds_between(first_token_, now) : std::chrono::milliseconds(0),
      .sampling = job_->sampling,
      .device = decoder.device(),
  };
}

void Running::finish(FinishReason reason, const Decoder& decoder) {
  reply_.finish(reason);
  StreamChunk rest = reply_.flush();
  if (!rest.events.empty()) job_->stream->write(std::move(rest));
  GenerationResponse end = response(decoder);
  // What the caller's side makes of the reply must not cost them the reply.
  if (job_->judge) {
    const auto judged = guarded("the check failed", [&] { job_->judge(end); });
    if (!judged) end.schema_violation = judged.error().message;
  }
  if (job_->on_end) {
    const auto kept = guarded("it could not be kept", [&] { end.not_kept = job_->on_end(end, generated_, raw_); });
    if (!kept) end.not_kept = kept.error().message;
  }
  job_->end(std::move(end));
}

}  // namespace llama::internal
