#include "marked_calls.h"

#include <algorithm>
#include <utility>

#include "bare_call.h"
#include "stop_strings.h"
#include "thinking_format.h"

namespace llama::internal {
MarkedCalls::MarkedCalls(const CallMarkup& markup, std::vector<std::string> tools)
    : markup_(markup), tools_(std::move(tools)) {
  for (const auto markers : {markup.openers, markup.line_openers, markup.hidden}) {
    sought_.insert(sought_.end(), markers.begin(), markers.end());
  }
  for (const auto marker : {markup.code_opener, markup.wrapper_end}) {
    if (!marker.empty()) sought_.emplace_back(marker);
  }
  if (markup.begins_with_name) place_ = Place::Name;
}

void MarkedCalls::push(const ReplyPiece& piece, ReplyEvents& events) {
  read_in_parts(piece.text, [&](std::string_view part) {
    held_ += part;
    advance(events, false);
  });
}

void MarkedCalls::finish(ReplyEnd end, ReplyEvents& events) {
  if (end == ReplyEnd::Cut && is_cut_call()) return tell_cut_call(calls_, events);
  advance(events, true);
  if (!call_) return;
  call_->finish(end == ReplyEnd::Whole, events);
  // Between two calls of a list there is nothing that anybody misses.
  const bool is_rest_of_list = is_list_ && list_calls_ > 0 && call_->untold().empty();
  if (!call_->has_begun() && !is_rest_of_list) {
    if (end == ReplyEnd::Cut && !ends_with_word(opening_)) {
      tell_cut_call(calls_, events);
    } else {
      tell_text(opening_ + call_->untold(), events);
    }
  }
  call_.reset();
}

// Nothing but a word of a language has opened the call so far.
bool MarkedCalls::ends_with_word(std::string_view opening) const {
  return std::ranges::any_of(markup_.line_openers, [&](auto word) { return trimmed_at_end(opening).ends_with(word); });
}

// Behind a call, half an opener is the beginning of another, and so is an object that begins with a name.
bool MarkedCalls::is_cut_call() const {
  const std::string_view rest = std::string_view(held_).substr(white_at_front(held_));
  const auto is_name = [&](const std::string& tool) { return tool.starts_with(rest); };
  switch (place_) {
    case Place::Opened:
      return !ends_with_word(opening_);
    case Place::Name:
      return !opening_.empty() && (!ends_with_word(opening_) || std::ranges::any_of(tools_, is_name));
    case Place::Start:
      return calls_ > 0 && rest.contains("\"name\"");
    case Place::Text:
      return is_behind_call_ && !rest.empty() && may_go_on(rest, markup_.openers);
    default:
      return false;
  }
}

// Each step takes something of what is held, until it needs more to go on: text goes through up to an opener; what
// stands between it and the JSON is skipped, or read as a name; a CallReader takes the bytes until its call ends; then
// white space and closers are skipped, and text may follow again.
void MarkedCalls::advance(ReplyEvents& events, bool ended) {
  for (bool goes_on = true; goes_on;) {
    switch (place_) {
      case Place::Start:
        goes_on = start(ended);
        break;
      case Place::Text:
        goes_on = pass_text(events, ended);
        break;
      case Place::Opened:
        goes_on = read_opening(ended);
        break;
      case Place::Code:
        goes_on = read_code_opening(ended);
        break;
      case Place::Name:
        goes_on = read_name(events, ended);
        break;
      case Place::Arguments:
        goes_on = read_arguments(events, ended);
        break;
      case Place::Call:
        goes_on = take_call(events);
        break;
      case Place::Closing:
        goes_on = close(ended);
        break;
    }
  }
}

void MarkedCalls::tell(std::size_t bytes, ReplyEvents& events) {
  blanks_ = fence_ = 0;
  if (bytes == 0) return;
  tell_text(std::string_view(held_).substr(0, bytes), events);
  is_behind_call_ = false;
  line_begins_ = held_[bytes - 1] == '\n';
  held_.erase(0, bytes);
}

void MarkedCalls::eat(std::size_t bytes) {
  blanks_ = fence_ = 0;
  opening_ += held_.substr(0, bytes);
  held_.erase(0, bytes);
}

void MarkedCalls::give_up(ReplyEvents& events) {
  const std::string untold = call_ ? call_->untold() : "";
  read_again_ += untold.size();
  const std::size_t shown = opening_.size() + (read_again_ > kMaxReadAgain ? untold.size() : 0);
  held_ = std::exchange(opening_, {}) + untold + held_;
  call_.reset();
  is_list_ = is_fenced_ = false;
  place_ = Place::Text;
  tell(shown, events);
}

void MarkedCalls::begin_call() {
  call_ = std::make_unique<JsonCall>(calls_, markup_.form);
  place_ = Place::Call;
}

void MarkedCalls::open(std::string_view opening) {
  opening_ = opening;
  blanks_ = fence_ = 0;
  is_fenced_ = opening.contains(kFenceMark);
  place_ = Place::Opened;
}

bool MarkedCalls::start(bool ended) {
  if (is_after_call_) held_.erase(0, white_at_front(held_));
  blanks_ = std::min(held_.find_first_not_of(kWhite, is_after_call_ ? 0 : blanks_), held_.size());
  const std::string_view rest = std::string_view(held_).substr(blanks_);
  if (!markup_.wrapper.empty() && calls_ == 0 && !is_wrapped_) {
    if (!ended && markup_.wrapper.starts_with(rest)) return false;
    if (rest.starts_with(markup_.wrapper)) {
      is_wrapped_ = true;
      blanks_ = 0;
      held_ = std::string(rest.substr(markup_.wrapper.size()));
      return true;
    }
  }
  const Bare bare = markup_.form == JsonCallForm::Members ? is_bare_call(rest, tools_) : Bare::No;
  if (bare == Bare::Maybe && !ended) return false;
  is_after_call_ = false;
  blanks_ = 0;
  place_ = bare == Bare::Yes ? Place::Opened : Place::Text;
  return true;
}

// Text, up to the first marker. Of what is no text at its end, white space is held back: it is nobody's before a call.
bool MarkedCalls::pass_text(ReplyEvents& events, bool ended) {
  if (end_blanks_ > 0 && held_.find_first_not_of(kWhite, end_blanks_) == std::string::npos) {
    end_blanks_ = held_.size();
    if (ended) held_.clear();
    return false;
  }
  end_blanks_ = 0;
  const std::string_view text = held_;
  // From here on a marker may have begun: that is looked at again, and of what stands before it nothing is.
  const std::size_t may_begin = text.size() - (ended ? 0 : held_back(text, sought_));
  const std::size_t first = std::exchange(blanks_, 0);
  bool line_begins = first > 0 ? blanks_begin_line_ : line_begins_;
  std::size_t solid = 0, show = 0;  // bytes up to behind the last that is not white: before `at`, before may_begin
  for (std::size_t at = first;; ++at) {
    if (at > first) {
      const char last = text[at - 1];
      if (!kWhite.contains(last)) solid = at;
      line_begins = last == '\n' || (line_begins && kWhite.contains(last));
    }
    if (at <= may_begin) {
      show = solid;
      blanks_begin_line_ = line_begins;
    }
    if (at == text.size()) break;
    const std::string_view before = text.substr(0, solid);
    const std::string_view here = text.substr(at);
    if (const auto hidden = marker_at(here, markup_.hidden); !hidden.empty()) {
      tell(before.size(), events);
      held_.erase(at - before.size(), hidden.size());
      return true;
    }
    if (is_wrapped_ && here.starts_with(markup_.wrapper_end) &&
        white_at_front(here.substr(markup_.wrapper_end.size())) + markup_.wrapper_end.size() == here.size()) {
      tell(before.size(), events);
      end_blanks_ = held_.size();
      if (ended) held_.clear();
      return false;  // it is the answer's end, unless something follows
    }
    const bool is_code = !markup_.code_opener.empty() && here.starts_with(markup_.code_opener);
    auto opener = is_code ? markup_.code_opener : marker_at(here, markup_.openers);
    if (opener.empty() && line_begins) opener = marker_at(here, markup_.line_openers);
    if (opener.empty()) continue;
    tell(before.size(), events);
    eat(at - before.size() + opener.size());
    place_ = is_code ? Place::Code : Place::Opened;
    return true;
  }
  if (ended) show = text.size();
  tell(show, events);
  if (!ended) blanks_ = may_begin - show;
  return false;
}

// Between the calls of a list. False: the list is over.
bool MarkedCalls::skip_list_comma() {
  eat(std::min(held_.find_first_not_of(" \t\r\n,"), held_.size()));
  if (!held_.starts_with(']')) return true;
  held_.erase(0, 1);
  opening_.clear();
  call_.reset();
  is_list_ = false;
  place_ = Place::Closing;
  return false;
}

bool MarkedCalls::take_call(ReplyEvents& events) {
  if (!call_->is_over()) {
    if (is_list_ && !call_->has_begun() && call_->untold().empty() && !skip_list_comma()) return true;
    if (held_.empty()) return false;
    held_.erase(0, call_->push(held_, events));
    if (!call_->is_over()) return false;
  }
  if (!call_->has_begun()) {
    give_up(events);  // no call: all of it is text
    return true;
  }
  ++calls_;
  ++list_calls_;
  opening_.clear();
  if (is_list_) {
    begin_call();
  } else {
    call_.reset();
    place_ = Place::Closing;
  }
  return true;
}

bool MarkedCalls::close(bool ended) {
  blanks_ = fence_ = 0;
  held_.erase(0, white_at_front(held_));  // nobody's
  const std::string_view rest = held_;
  const bool is_part = may_go_on(rest, markup_.closers) || may_go_on(rest, markup_.hidden) ||
                       (is_fenced_ && rest.size() < kFenceMark.size() && kFenceMark.starts_with(rest));
  if (is_part) {
    if (ended) held_.clear();  // a closer that was cut
    return false;
  }
  std::size_t dropped = std::max(marker_at(rest, markup_.closers).size(), marker_at(rest, markup_.hidden).size());
  if (dropped == 0 && is_fenced_ && rest.starts_with(kFenceMark)) {
    dropped = kFenceMark.size();
    is_fenced_ = false;
  }
  held_ = std::string(rest.substr(dropped));
  if (dropped > 0) return true;
  is_fenced_ = false;
  is_after_call_ = is_behind_call_ = line_begins_ = true;
  place_ = Place::Start;
  return true;
}

std::unique_ptr<ReplyFormat> read_marked_calls(const CallMarkup& markup, const ReplyFormatOptions& options,
                                               std::string_view thinking_opener, std::string_view thinking_closer) {
  ReplyFormatOptions thinking = options;
  if (thinking.thinking_opener.empty()) {
    thinking.thinking_opener = thinking_opener;
    thinking.thinking_closer = thinking_closer;
  }
  return std::make_unique<ThinkingFormat>(thinking, std::make_unique<MarkedCalls>(markup, options.tools),
                                          markup.openers);
}

}  // namespace llama::internal
