#include "reply.h"

#include <algorithm>
#include <exception>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

std::vector<std::string> all_stops(const ReplyRules& rules) {
  std::vector<std::string> all = rules.stopping.stop_strings;
  if (rules.stopping.end_of_sequence) all.insert(all.end(), rules.end_texts.begin(), rules.end_texts.end());
  return all;
}

}  // namespace

Reply::Reply(const ReplyRules& rules)
    : stopping_(rules.stopping),
      splitter_(rules.thinking_opener, rules.thinking_closer, rules.thinking_is_open),
      stops_(all_stops(rules)) {
  if (stopping_.repetition) repetition_.emplace(*stopping_.repetition);
}

void Reply::finish(FinishReason reason, std::string detail) {
  if (finished_) return;
  finished_ = reason;
  detail_ = std::move(detail);
}

StreamChunk Reply::push(std::string_view bytes, std::optional<TokenLogProb> logprob) {
  StreamChunk chunk;
  if (finished_) return chunk;
  if (tokens_++ == 0 && stopping_.time_limit) deadline_ = std::chrono::steady_clock::now() + *stopping_.time_limit;
  if (splitter_.is_thinking()) ++thinking_tokens_;
  ++pending_tokens_;
  if (logprob) pending_logprobs_.push_back(std::move(*logprob));
  take(splitter_.push(characters_.push(bytes)), chunk);
  if (!finished_ && tokens_ >= stopping_.max_tokens) finish(FinishReason::TokenLimit);
  if (!finished_ && std::chrono::steady_clock::now() >= deadline_) finish(FinishReason::TimeLimit);
  hand_over(chunk);
  return chunk;
}

void Reply::take(ReplyPart part, StreamChunk& chunk) {
  thinking_ += part.thinking;
  chunk.thinking += part.thinking;
  if (part.answer.empty()) return;
  const std::string fresh = stops_.push(part.answer);
  if (stops_.found()) {
    // What a turn ends with is the end of the sequence, spelt out.
    const auto& asked = stopping_.stop_strings;
    const bool wished = std::ranges::find(asked, *stops_.found()) != asked.end();
    finish(wished ? FinishReason::StopString : FinishReason::EndOfSequence, wished ? *stops_.found() : "");
  }
  answer_ += fresh;
  chunk.text += fresh;
  apply_rules(fresh);
}

void Reply::apply_rules(std::string_view fresh) {
  if (repetition_ && !finished_ && !fresh.empty()) {
    if (auto pattern = repetition_->push(fresh)) finish(FinishReason::Repetition, std::move(*pattern));
  }
  for (const auto& rule : stopping_.rules) {
    if (finished_ || fresh.empty()) return;
    // A caller's rule that throws must not end the replies of others.
    try {
      if (auto reason = rule(answer_, tokens_)) finish(FinishReason::StopRule, std::move(*reason));
    } catch (const std::exception& thrown) {
      finish(FinishReason::StopRule, std::format("the rule failed: {}", thrown.what()));
    } catch (...) {
      finish(FinishReason::StopRule, "the rule failed");
    }
  }
}

// A token is paired with the text that it became part of, which may come later than the token.
void Reply::hand_over(StreamChunk& chunk) {
  if (chunk.text.empty() && chunk.thinking.empty()) return;
  chunk.tokens = std::exchange(pending_tokens_, 0);
  chunk.logprobs = std::exchange(pending_logprobs_, {});
}

StreamChunk Reply::flush() {
  StreamChunk chunk;
  // A character cut by the token limit was never meant to be shown in part.
  std::string rest = characters_.finish();
  if (finished_ == FinishReason::TokenLimit || finished_ == FinishReason::ContextFull) rest.clear();
  ReplyPart part = splitter_.push(rest);
  ReplyPart last = splitter_.finish();
  const std::string tail = stops_.push(part.answer + last.answer) + stops_.finish();
  chunk.thinking = part.thinking + last.thinking;
  chunk.text = tail;
  thinking_ += chunk.thinking;
  answer_ += tail;
  hand_over(chunk);
  return chunk;
}

}  // namespace llama::internal
