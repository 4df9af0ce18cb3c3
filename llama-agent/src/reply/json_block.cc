#include "json_block.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "json_call.h"

namespace llama::internal {
namespace {

// White space, then a JsonCall up to its end. Where only known tools are called, the beginning of the object without
// its white space is compared with each of theirs: other JSON is text at the first byte that differs.
class JsonBlock final : public CallBlock {
 public:
  explicit JsonBlock(const std::vector<std::string>& tools) {
    for (const auto& tool : tools) beginnings_.push_back(R"({"name":")" + tool + '"');
    is_known_ = beginnings_.empty();
  }

  Took take(char c, CallTeller& teller, ReplyEvents& events) override {
    unread_ += c;
    if (!call_) {
      if (is_blank(c)) return Took::More;
      call_.emplace(teller.begun());
    }
    if (!is_known_ && !is_blank(c)) {
      start_ += c;
      is_known_ = std::ranges::find(beginnings_, start_) != beginnings_.end();
      if (std::ranges::none_of(beginnings_, [&](const auto& text) { return text.starts_with(start_); })) {
        return Took::Wrong;
      }
    }
    ReplyEvents told;
    const bool is_taken = call_->push({&c, 1}, told) == 1;
    forward(told, teller, events);
    if (!call_->is_over()) return Took::More;
    if (is_taken) return Took::Last;
    if (call_->has_begun()) unread_ = c;
    return Took::Wrong;
  }

  void finish(bool is_whole, CallTeller& teller, ReplyEvents& events) override {
    if (!call_ || !is_known_) return;
    ReplyEvents told;
    call_->finish(is_whole, told);
    forward(told, teller, events);
  }
  [[nodiscard]] const std::string& unread() const override { return unread_; }

 private:
  void forward(const ReplyEvents& told, CallTeller& teller, ReplyEvents& events) {
    for (const auto& event : told) {
      if (const auto* begun = std::get_if<ToolCallBegun>(&event)) {
        teller.begin(begun->name, events);
        std::get<ToolCallBegun>(events.back()).id = begun->id;
      }
      if (const auto* more = std::get_if<ToolCallArguments>(&event)) teller.arguments(more->json, events);
      if (const auto* ended = std::get_if<ToolCallEnded>(&event)) teller.end(ended->is_complete, events);
      unread_.clear();
    }
    if (call_->has_begun()) unread_.clear();
  }

  std::vector<std::string> beginnings_;
  bool is_known_ = false;
  std::string start_, unread_;
  std::optional<JsonCall> call_;
};

}  // namespace

std::unique_ptr<CallBlock> json_block(const std::vector<std::string>& tools) {
  return std::make_unique<JsonBlock>(tools);
}

}  // namespace llama::internal
