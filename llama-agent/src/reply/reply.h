// Build one reply from its tokens: characters, thinking, stop rules.
//
// It knows no model: bytes in, chunks out. Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/generation_request.h"
#include "llama-agent/repetition.h"
#include "stop_strings.h"
#include "thinking_splitter.h"
#include "llama-base/utf8_stream.h"

namespace llama::internal {

struct ReplyRules {
  StoppingConfig stopping;
  std::vector<std::string> end_texts;  // that end a turn in this template, should the model spell one out
  std::string thinking_opener, thinking_closer;
  bool thinking_is_open = false;  // by the prompt
};

class Reply {
 public:
  explicit Reply(const ReplyRules& rules);

  // One token's bytes. Empty chunks have nothing to show yet.
  [[nodiscard]] StreamChunk push(std::string_view bytes, std::optional<TokenLogProb> logprob = std::nullopt);

  // Why it ended, once a rule says so.
  [[nodiscard]] const std::optional<FinishReason>& finished() const { return finished_; }
  // End it for a reason from outside.
  void finish(FinishReason reason, std::string detail = {});
  // What was held back until the end.
  [[nodiscard]] StreamChunk flush();

  [[nodiscard]] const std::string& answer() const { return answer_; }
  [[nodiscard]] const std::string& thinking() const { return thinking_; }
  [[nodiscard]] const std::string& finish_detail() const { return detail_; }
  [[nodiscard]] std::int32_t tokens() const { return tokens_; }
  [[nodiscard]] std::int32_t thinking_tokens() const { return thinking_tokens_; }
  [[nodiscard]] bool is_thinking() const { return splitter_.is_thinking(); }

 private:
  void take(ReplyPart part, StreamChunk& chunk);
  void apply_rules(std::string_view fresh);
  void hand_over(StreamChunk& chunk);

  StoppingConfig stopping_;
  Utf8Stream characters_;
  ThinkingSplitter splitter_;
  StopStrings stops_;
  std::optional<RepetitionDetector> repetition_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  std::string answer_, thinking_, detail_;
  std::optional<FinishReason> finished_;
  std::int32_t tokens_ = 0, thinking_tokens_ = 0;
  std::int32_t pending_tokens_ = 0;  // whose text is held back
  std::vector<TokenLogProb> pending_logprobs_;
};

}  // namespace llama::internal
