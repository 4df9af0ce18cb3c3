// What stands between a call's opener and its JSON: a fence, a list's bracket, a name.
#include <algorithm>
#include <array>

#include "code_call.h"
#include "dotted_call.h"
#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxWrittenName = 256;
constexpr std::string_view kDottedCall = ".call(";
constexpr std::string_view kWordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

bool can_stand_in_name(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || kWordLetters.contains(c) || std::string_view("-.:/ ").contains(c);
}

}  // namespace

std::size_t MarkedCalls::white() { return blanks_ = std::min(held_.find_first_not_of(kWhite, blanks_), held_.size()); }

// How much of what is held is white space and the beginning of a fence. Nothing: more is needed.
std::size_t MarkedCalls::skipped_fence(bool ended) {
  const std::string_view text = held_;
  if (fence_ == 0) {
    std::size_t skipped = white();
    for (const std::string_view part : {kFenceMark, std::string_view("json")}) {
      const std::string_view rest = text.substr(skipped);
      if (!ended && rest.size() < part.size() && part.starts_with(rest)) return std::string_view::npos;
      if (!rest.starts_with(part)) break;
      skipped += part.size();
    }
    fence_ = skipped;
  }
  return fence_ = std::min(text.find_first_not_of(kWhite, fence_), text.size());
}

// Behind an opener: further openers, maybe a fence, maybe the bracket of a list; then an object, or a name.
bool MarkedCalls::read_opening(bool ended) {
  const std::string_view rest = std::string_view(held_).substr(white());
  if (!ended && rest.empty()) {
    eat(held_.size());  // not to be looked at with each token
    return false;
  }
  if (!ended && (may_go_on(rest, markup_.openers) || may_go_on(rest, markup_.closers))) return false;
  if (const auto opener = marker_at(rest, markup_.openers); !opener.empty()) {
    eat(held_.size() - rest.size() + opener.size());
    return true;
  }
  if (!marker_at(rest, markup_.closers).empty()) {
    opening_.clear();  // closed at once: no call
    place_ = Place::Closing;
    return true;
  }
  const std::size_t skipped = skipped_fence(ended);
  if (skipped == std::string_view::npos || (!ended && skipped == held_.size())) return false;
  is_fenced_ = is_fenced_ || std::string_view(held_).substr(0, skipped).contains(kFenceMark);
  eat(skipped);
  const char first = held_.empty() ? '\0' : held_.front();
  if (!markup_.name_ends.empty() && first != '[' && first != '{') {
    place_ = Place::Name;
    return true;
  }
  if (first == '[') {
    eat(1);
    is_list_ = true;
    list_calls_ = 0;
  }
  begin_call();
  return true;
}

// Behind the tag of program text: an object after all, NAME.call(…), or the text.
bool MarkedCalls::read_code_opening(bool ended) {
  const std::string_view rest = std::string_view(held_).substr(white());
  if (rest.starts_with('{') || rest.starts_with('[') || (rest.empty() && ended)) {
    place_ = Place::Opened;
    return true;
  }
  const std::size_t word = std::min(rest.find_first_not_of(kWordLetters), rest.size());
  const std::string_view after = rest.substr(word, kDottedCall.size());
  if (!ended && word < kMaxWrittenName && kDottedCall.starts_with(after) && after != kDottedCall) return false;
  if (word > 0 && after == kDottedCall) {
    call_ = std::make_unique<DottedCall>(calls_, std::string(rest.substr(0, word)));
    eat(held_.size() - rest.size() + word + after.size());
  } else {
    call_ = std::make_unique<CodeCall>(calls_, code_tool(tools_, "ipython"));
  }
  place_ = Place::Call;
  return true;
}

// A name, up to what ends it. Models leave that out before an object, which begins with a brace.
bool MarkedCalls::read_name(ReplyEvents& events, bool ended) {
  const std::string_view text = held_;
  if (!markup_.name_prefix.empty()) {
    if (!ended && text.size() < markup_.name_prefix.size() && markup_.name_prefix.starts_with(text)) return false;
    if (text.starts_with(markup_.name_prefix)) {
      eat(markup_.name_prefix.size());
      return true;
    }
  }
  std::size_t at = 0, id_at = std::string_view::npos;
  std::string_view end;
  for (; at < text.size() && at < kMaxWrittenName; ++at) {
    const std::string_view here = text.substr(at);
    end = marker_at(here, markup_.name_ends);
    if (!end.empty() || here.front() == '{') break;
    const bool may_end = may_go_on(here, markup_.name_ends) || may_go_on(here, std::array{markup_.id_opener});
    if (may_end && !ended) return false;
    if (!markup_.id_opener.empty() && here.starts_with(markup_.id_opener)) {
      id_at = at;
      at += markup_.id_opener.size() - 1;
    } else if (!can_stand_in_name(here.front())) {
      give_up(events);
      return true;
    }
  }
  if (at == text.size() && !ended && at < kMaxWrittenName) return false;
  name_ = trimmed_at_end(text.substr(0, std::min(at, id_at)));
  name_.erase(0, white_at_front(name_));
  id_ = id_at == std::string_view::npos ? "" : text.substr(0, at).substr(id_at + markup_.id_opener.size());
  const bool is_whole = at < text.size() && at < kMaxWrittenName && !name_.empty() && !name_.contains(' ');
  if (is_whole && name_ == markup_.text_name) {
    held_.erase(0, at + end.size());
    opening_.clear();
    place_ = Place::Text;
    line_begins_ = true;
    return true;
  }
  if (!is_whole) {
    give_up(events);
    return true;
  }
  eat(at + end.size());
  if (markup_.split_name != nullptr) markup_.split_name(name_, id_);
  place_ = Place::Arguments;
  return true;
}

// Behind a name: maybe a fence, then an object, program text, or nothing at all.
bool MarkedCalls::read_arguments(ReplyEvents& events, bool ended) {
  const std::string_view rest = std::string_view(held_).substr(white());
  if (!ended && (rest.empty() || may_go_on(rest, markup_.closers) || may_go_on(rest, markup_.hidden))) return false;
  const bool is_closed = !marker_at(rest, markup_.closers).empty() || !marker_at(rest, markup_.hidden).empty();
  const bool is_name_known = std::ranges::contains(tools_, name_);
  if (rest.empty() || is_closed) {
    // No arguments. A line of text looks the same where a line's end ends the name.
    if (!is_name_known && std::ranges::contains(markup_.name_ends, "\n")) {
      give_up(events);
      return true;
    }
    call_ = std::make_unique<JsonCall>(calls_, name_, id_);
    if (!is_closed) {
      place_ = Place::Call;
      return true;
    }
    call_->finish(true, events);
  } else {
    const bool is_object = rest.front() == '{' || rest.front() == '"';
    if (markup_.has_code && !is_object && is_code_tool(name_)) {
      call_ = std::make_unique<CodeCall>(calls_, code_tool(tools_, name_));
    } else {
      const std::size_t skipped = skipped_fence(ended);
      if (skipped == std::string_view::npos || (!ended && skipped == held_.size())) return false;
      is_fenced_ = std::string_view(held_).substr(0, skipped).contains(kFenceMark);
      eat(skipped);
      call_ = std::make_unique<JsonCall>(calls_, name_, id_);
    }
  }
  place_ = Place::Call;
  return true;
}

}  // namespace llama::internal
