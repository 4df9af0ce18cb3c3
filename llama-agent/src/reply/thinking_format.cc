#include "thinking_format.h"

#include <utility>

#include "stop_strings.h"

namespace llama::internal {
namespace {

// The answer of a model that calls no tools.
class PlainText final : public ReplyFormat {
 public:
  void push(const ReplyPiece& piece, ReplyEvents& events) override { tell_text(piece.text, events); }
  void finish(ReplyEnd, ReplyEvents&) override {}
};

}  // namespace

const ReplyFormatKind kTextFormat{
    .name = "text",
    .fits = [](const TemplateTraits&) { return true; },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      return std::make_unique<ThinkingFormat>(options, std::make_unique<PlainText>());
    },
};

ThinkingFormat::ThinkingFormat(const ReplyFormatOptions& options, std::unique_ptr<ReplyFormat> answer,
                               std::span<const std::string_view> call_openers)
    : answer_(std::move(answer)), opener_(options.thinking_opener), closer_(options.thinking_closer) {
  if (opener_.empty() || closer_.empty()) return;
  place_ = options.thinking_is_open || options.thinking_goes_on ? Place::Thinking : Place::Before;
  has_thought_ = options.thinking_goes_on;
  line_begins_ = !options.thinking_goes_on;
  ends_ = {closer_};
  for (const auto opener : call_openers) ends_.push_back("\n" + std::string(opener));
}

// The text of a thought, up to its closer. Some models forget the closer when they go over to a call of a tool: what
// starts a call at the beginning of a line ends the thought too, and belongs to the answer.
void ThinkingFormat::think(ReplyEvents& events, bool ended) {
  if (!has_thought_) held_.erase(held_.blanks());
  has_thought_ = has_thought_ || !held_.empty();
  const std::string_view text = held_.view();
  std::size_t first = std::string::npos;
  const std::string* found = nullptr;
  for (const auto& end : ends_) {
    if (const std::size_t at = text.find(end, held_.unsearched(end.size())); at < first) first = at, found = &end;
  }
  // A thought that is nothing but a call.
  for (std::size_t i = 1; i < ends_.size() && line_begins_; ++i) {
    if (text.starts_with(std::string_view(ends_[i]).substr(1))) first = 0, found = &ends_[i];
  }
  if (found != nullptr) {
    tell_thinking(text.substr(0, held_.solid_end(first)), events);
    held_.erase(found == &ends_.front() ? first + closer_.size() : first);
    place_ = Place::After;
    return;
  }
  held_.was_searched();
  // White space is held back too: it is no part of the thought when the closer follows it.
  std::size_t show = ended ? text.size() : held_.solid_end(text.size() - held_back(text, ends_));
  if (!ended && line_begins_) {
    for (std::size_t i = 1; i < ends_.size(); ++i) {
      if (std::string_view(ends_[i]).substr(1).starts_with(text)) show = 0;
    }
  }
  tell_thinking(text.substr(0, show), events);
  held_.erase(show);
  if (show > 0) line_begins_ = false;
}

void ThinkingFormat::advance(const ReplyPiece& piece, ReplyEvents& events, bool ended) {
  if (place_ == Place::Answer) {
    if (!piece.text.empty()) answer_->push(piece, events);
    return;
  }
  held_.append(piece.text);
  if (place_ == Place::Before) {
    const std::size_t start = held_.blanks();
    const std::string_view rest = held_.view().substr(start);
    if (rest.starts_with(opener_)) {
      held_.erase(start + opener_.size());
      place_ = Place::Thinking;
    } else if (!ended && opener_.starts_with(rest)) {
      return;  // the opener may still come
    } else {
      place_ = Place::Answer;
    }
  }
  if (place_ == Place::Thinking) think(events, ended);
  if (place_ == Place::After) {
    held_.erase(held_.blanks());
    if (!held_.empty()) place_ = Place::Answer;
  }
  if (place_ != Place::Answer || held_.empty()) return;
  // A control token stays one, if nothing was held before it.
  const std::string text = held_.take();
  answer_->push({.text = text, .control = text == piece.text ? piece.control : std::nullopt}, events);
}

void ThinkingFormat::push(const ReplyPiece& piece, ReplyEvents& events) {
  if (place_ == Place::Answer || piece.control) return advance(piece, events, false);
  read_in_parts(piece.text, [&](std::string_view part) { advance({.text = part}, events, false); });
}

void ThinkingFormat::finish(ReplyEnd end, ReplyEvents& events) {
  advance({}, events, true);
  answer_->finish(end, events);
}

}  // namespace llama::internal
