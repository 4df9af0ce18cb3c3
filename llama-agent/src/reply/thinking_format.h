// Part what a model thinks from what it answers.
//
// Thinking is what stands between the template's markers, at the beginning of a reply; a prompt may have opened it
// already. White space around it belongs to neither. What follows goes to another format, or is text.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "held_text.h"
#include "reply_format.h"

namespace llama::internal {

class ThinkingFormat final : public ReplyFormat {
 public:
  // Without markers nothing is a thought. call_openers: what starts a call in the answer.
  ThinkingFormat(const ReplyFormatOptions& options, std::unique_ptr<ReplyFormat> answer,
                 std::span<const std::string_view> call_openers = {});

  void push(const ReplyPiece& piece, ReplyEvents& events) override;
  void finish(ReplyEnd end, ReplyEvents& events) override;
  [[nodiscard]] bool is_thinking() const override { return place_ == Place::Thinking; }
  [[nodiscard]] bool is_over() const override { return answer_->is_over(); }

 private:
  enum class Place { Before, Thinking, After, Answer };
  void advance(const ReplyPiece& piece, ReplyEvents& events, bool ended);
  void think(ReplyEvents& events, bool ended);

  std::unique_ptr<ReplyFormat> answer_;
  std::string opener_, closer_;
  std::vector<std::string> ends_;  // of a thought: its closer, and what starts a call on a line of its own
  HeldText held_;
  Place place_ = Place::Answer;
  bool has_thought_ = false;  // something but white space
  bool line_begins_ = true;   // where the held text stands
};

}  // namespace llama::internal
