#include "thinking_splitter.h"

#include <utility>

#include "stop_strings.h"

namespace llama::internal {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

}  // namespace

ThinkingSplitter::ThinkingSplitter(std::string opener, std::string closer, bool is_open)
    : opener_(std::move(opener)), closer_(std::move(closer)) {
  if (!opener_.empty() && !closer_.empty()) place_ = is_open ? Place::Thinking : Place::Before;
}

void ThinkingSplitter::advance(ReplyPart& part, bool ended) {
  if (place_ == Place::Before) {
    const std::size_t start = std::min(held_.find_first_not_of(kBlank), held_.size());
    const std::string_view rest = std::string_view(held_).substr(start);
    if (rest.starts_with(opener_)) {
      held_.erase(0, start + opener_.size());
      place_ = Place::Thinking;
    } else if (!ended && opener_.starts_with(rest)) {
      return;  // the opener may still come
    } else {
      place_ = Place::Answer;
    }
  }
  if (place_ == Place::Thinking) {
    if (!has_thought_) held_.erase(0, std::min(held_.find_first_not_of(kBlank), held_.size()));
    has_thought_ = has_thought_ || !held_.empty();
    const std::size_t at = held_.find(closer_);
    if (at != std::string::npos) {
      std::string_view thought = std::string_view(held_).substr(0, at);
      part.thinking += thought.substr(0, thought.find_last_not_of(kBlank) + 1);
      held_.erase(0, at + closer_.size());
      place_ = Place::After;
    } else {
      // White space is held back too: it is no part of the thought when the closer follows it.
      std::size_t show = held_.size() - (ended ? 0 : held_back(held_, {closer_}));
      if (!ended) show = std::string_view(held_).substr(0, show).find_last_not_of(kBlank) + 1;
      part.thinking += held_.substr(0, show);
      held_.erase(0, show);
    }
  }
  if (place_ == Place::After) {
    held_.erase(0, std::min(held_.find_first_not_of(kBlank), held_.size()));
    if (!held_.empty()) place_ = Place::Answer;
  }
  if (place_ == Place::Answer) part.answer += std::exchange(held_, {});
}

ReplyPart ThinkingSplitter::push(std::string_view text) {
  ReplyPart part;
  held_ += text;
  advance(part, false);
  return part;
}

ReplyPart ThinkingSplitter::finish() {
  ReplyPart part;
  advance(part, true);
  return part;
}

}  // namespace llama::internal
