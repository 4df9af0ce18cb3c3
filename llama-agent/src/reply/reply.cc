#include "reply.h"

#include <algorithm>
#include <exception>
#include <format>
#include <utility>

#include "../at_most_a_year.h"
#include "spoken_calls.h"

namespace llama::internal {
namespace {

std::vector<std::string> all_stops(const ReplyRules& rules) {
  std::vector<std::string> all = rules.stopping.stop_strings;
  if (rules.stopping.end_of_sequence) all.insert(all.end(), rules.end_texts.begin(), rules.end_texts.end());
  return all;
}

// A text that is kept, printed and read by a model again has no NUL in it.
std::string without_nul(std::string text) {
  for (std::size_t at = 0; (at = text.find('\0', at)) != std::string::npos;) text.replace(at, 1, "\uFFFD");
  return text;
}

// Did somebody other than the model end the reply?
bool is_cut(FinishReason reason) { return reason != FinishReason::EndOfSequence; }

std::unique_ptr<ReplyFormat> make_format(const ReplyRules& rules) {
  const ReplyFormatOptions& options = rules.format_options;
  auto family = rules.format->make(options);
  const bool is_spoken = options.spoken_calls && !options.tools.empty();
  return is_spoken ? read_spoken_calls(std::move(family), options) : std::move(family);
}

}  // namespace

Reply::Reply(const ReplyRules& rules)
    : stopping_(rules.stopping),
      call_ids_(rules.call_ids),
      several_calls_(rules.several_calls),
      format_(make_format(rules)),
      watch_(rules.hold),
      stops_(all_stops(rules)) {
  watch_.push({}, {}, format_->is_thinking());
  if (stopping_.repetition) repetition_.emplace(*stopping_.repetition);
}

void Reply::finish(FinishReason reason, std::string detail) {
  if (finished_) return;
  finished_ = reason;
  detail_ = std::move(detail);
}

StreamChunk Reply::push(ReplyToken token) {
  StreamChunk chunk;
  if (finished_) return chunk;
  if (tokens_++ == 0 && stopping_.time_limit) {
    deadline_ = std::chrono::steady_clock::now() + at_most_a_year(*stopping_.time_limit);
  }
  if (format_->is_thinking()) ++thinking_tokens_;
  ++pending_tokens_;
  if (token.logprob) pending_logprobs_.push_back(std::move(*token.logprob));
  if (token.control) {
    // A character that stops in its middle is none, and no part of the control token's name.
    parse(characters_.finish(), std::nullopt, chunk);
    parse(token.bytes, token.control, chunk);
  } else {
    parse(without_nul(characters_.push(token.bytes)), std::nullopt, chunk);
  }
  if (!finished_ && format_->is_over()) finish(FinishReason::EndOfSequence);
  if (!finished_ && tokens_ >= stopping_.max_tokens) finish(FinishReason::TokenLimit);
  if (!finished_ && std::chrono::steady_clock::now() >= deadline_) finish(FinishReason::TimeLimit);
  hand_over(chunk);
  return chunk;
}

void Reply::parse(std::string_view text, std::optional<Token> control, StreamChunk& chunk) {
  if (text.empty() || finished_) return;
  ReplyEvents events;
  format_->push({.text = text, .control = control}, events);
  watch_.push(text, events, format_->is_thinking());
  take(std::move(events), chunk);
}

void Reply::take(ReplyEvents events, StreamChunk& chunk) {
  for (auto& event : events) {
    if (stops_.found()) return;  // the reply has ended there
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      take_text(text->text, chunk);
    } else if (const auto* thought = std::get_if<ThinkingEvent>(&event)) {
      thinking_ += thought->text;
      chunk.thinking += thought->text;
      tell_thinking(thought->text, chunk.events);
    } else {
      take_call(std::move(event), chunk);
    }
  }
}

void Reply::take_text(std::string_view text, StreamChunk& chunk) {
  const std::string fresh = stops_.push(text);
  if (stops_.found()) {
    // What a turn ends with is the end of the sequence, spelt out.
    const auto& asked = stopping_.stop_strings;
    const bool wished = std::ranges::find(asked, *stops_.found()) != asked.end();
    finish(wished ? FinishReason::StopString : FinishReason::EndOfSequence, wished ? *stops_.found() : "");
  }
  show_text(fresh, chunk);
}

void Reply::show_text(std::string_view fresh, StreamChunk& chunk) {
  answer_ += fresh;
  chunk.text += fresh;
  tell_text(fresh, chunk.events);
  apply_rules(fresh);
}

void Reply::take_call(ReplyEvent event, StreamChunk& chunk) {
  if (auto* begun = std::get_if<ToolCallBegun>(&event)) {
    // No stop string goes on behind a call.
    show_text(stops_.finish(), chunk);
    if (begun->id.empty()) begun->id = std::format("{}{:05}", call_ids_, begun->call);
    open_call_ = ToolCall{.id = begun->id, .name = begun->name};
  } else if (const auto* more = std::get_if<ToolCallArguments>(&event)) {
    if (!open_call_) return;
    open_call_->arguments += more->json;
  } else if (const auto* ended = std::get_if<ToolCallEnded>(&event)) {
    if (!open_call_) return;
    if (ended->is_complete) {
      tool_calls_.push_back(std::move(*open_call_));
      if (!several_calls_) finish(FinishReason::EndOfSequence);
    } else {
      unfinished_call_ = std::move(open_call_);
    }
    open_call_.reset();
  }
  chunk.events.push_back(std::move(event));
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
  if (chunk.events.empty()) return;
  chunk.tokens = std::exchange(pending_tokens_, 0);
  chunk.logprobs = std::exchange(pending_logprobs_, {});
}

StreamChunk Reply::flush() {
  StreamChunk chunk;
  const FinishReason reason = finished_.value_or(FinishReason::EndOfSequence);
  finished_ = reason;  // no rule has a word any more
  // A character cut by the token limit was never meant to be shown in part.
  std::string rest = characters_.finish();
  if (reason == FinishReason::TokenLimit || reason == FinishReason::ContextFull) rest.clear();
  ReplyEvents events;
  if (!rest.empty()) format_->push({.text = rest}, events);
  format_->finish(is_cut(reason) ? ReplyEnd::Cut : ReplyEnd::Whole, events);
  take(std::move(events), chunk);
  show_text(stops_.finish(), chunk);
  hand_over(chunk);
  return chunk;
}

}  // namespace llama::internal
