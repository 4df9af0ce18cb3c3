// Build one reply from its tokens: characters, events, stop rules.
//
// It knows no model: bytes in, chunks out. Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../tools/grammar/call_watch.h"
#include "llama-agent/generation_request.h"
#include "llama-agent/repetition.h"
#include "llama-base/utf8_stream.h"
#include "reply_format.h"
#include "stop_strings.h"

namespace llama::internal {

struct ReplyRules {
  StoppingConfig stopping;
  std::vector<std::string> end_texts;  // that end a turn in this template, should the model spell one out
  const ReplyFormatKind* format = &kTextFormat;
  ReplyFormatOptions format_options;
  std::string call_ids = "call";  // what the ids of calls begin with
  CallHold hold{};                // of the reply to the grammars of calls
  bool several_calls = true;      // false: the first call that is whole ends the reply
};

// One token of a reply.
struct ReplyToken {
  std::string_view bytes{};        // a part of a text, and not always whole characters
  std::optional<Token> control{};  // where it is a control token that the format wants to see
  std::optional<TokenLogProb> logprob{};
};

class Reply {
 public:
  explicit Reply(const ReplyRules& rules);

  // Empty chunks have nothing to show yet.
  [[nodiscard]] StreamChunk push(ReplyToken token);

  // Why it ended, once a rule says so.
  [[nodiscard]] const std::optional<FinishReason>& finished() const { return finished_; }
  // End it for a reason from outside.
  void finish(FinishReason reason, std::string detail = {});
  // What was held back until the end.
  [[nodiscard]] StreamChunk flush();

  [[nodiscard]] const std::string& answer() const { return answer_; }
  [[nodiscard]] const std::string& thinking() const { return thinking_; }
  [[nodiscard]] const std::vector<ToolCall>& tool_calls() const { return tool_calls_; }
  // A call that was cut off, or is none that can be run.
  [[nodiscard]] const std::optional<ToolCall>& unfinished_call() const { return unfinished_call_; }
  [[nodiscard]] const std::string& finish_detail() const { return detail_; }
  [[nodiscard]] std::int32_t tokens() const { return tokens_; }
  [[nodiscard]] std::int32_t thinking_tokens() const { return thinking_tokens_; }
  [[nodiscard]] bool is_thinking() const { return format_->is_thinking(); }
  [[nodiscard]] GrammarPhase grammar() const { return watch_.phase(); }

 private:
  void parse(std::string_view text, std::optional<Token> control, StreamChunk& chunk);
  void take(ReplyEvents events, StreamChunk& chunk);
  void take_text(std::string_view text, StreamChunk& chunk);
  void show_text(std::string_view fresh, StreamChunk& chunk);
  void take_call(ReplyEvent event, StreamChunk& chunk);
  void apply_rules(std::string_view fresh);
  void hand_over(StreamChunk& chunk);

  StoppingConfig stopping_;
  std::string call_ids_;
  bool several_calls_;
  std::unique_ptr<ReplyFormat> format_;
  CallWatch watch_;
  Utf8Stream characters_;
  StopStrings stops_;
  std::optional<RepetitionDetector> repetition_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  std::string answer_, thinking_, detail_;
  std::vector<ToolCall> tool_calls_;
  std::optional<ToolCall> open_call_, unfinished_call_;
  std::optional<FinishReason> finished_;
  std::int32_t tokens_ = 0, thinking_tokens_ = 0;
  std::int32_t pending_tokens_ = 0;  // whose text is held back
  std::vector<TokenLogProb> pending_logprobs_;
};

}  // namespace llama::internal
