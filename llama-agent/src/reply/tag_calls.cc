#include "tag_calls.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "stop_strings.h"

namespace llama::internal {
namespace {

constexpr std::string_view kCdata = "<![CDATA[", kCdataEnd = "]]>";
constexpr std::size_t kMaxNameBytes = 256;

// Does the text begin with the tag, or may it yet?
enum class Begins { No, Maybe, Yes };
Begins begins_with(std::string_view text, std::string_view tag) {
  if (tag.empty()) return Begins::No;
  if (text.starts_with(tag)) return Begins::Yes;
  return tag.starts_with(text) ? Begins::Maybe : Begins::No;
}

}  // namespace

TagCalls::TagCalls(const TagMarkup& markup, const ReplyFormatOptions& options)
    : markup_(markup), tools_(options.tools), schemas_(options.tool_parameters), openers_{std::string(markup.call)} {
  if (!markup.opener.empty()) openers_.emplace_back(markup.opener);
}

void TagCalls::push(const ReplyPiece& piece, ReplyEvents& events) {
  read_in_parts(piece.text, [&](std::string_view part) {
    held_.append(part);
    while (step(events, false)) {
    }
  });
}

void TagCalls::go_to(Place place) {
  place_ = place;
  held_.seek_anew();
}

// Behind a call, half a tag that opens one is the beginning of another.
bool TagCalls::is_cut_call() {
  const std::string_view rest = held_.view().substr(held_.blanks());
  const auto is_name = [&](const std::string& tool) { return tool.starts_with(rest); };
  const auto may_be = [&](std::string_view tag) { return begins_with(rest, tag) == Begins::Maybe; };
  if (place_ == Place::Opened) return true;
  if (place_ == Place::Name) return is_opened_ || calls_ > 0 || std::ranges::any_of(tools_, is_name);
  const bool is_held_behind_call = place_ == Place::Text && is_behind_call_ && !rest.empty();
  return is_held_behind_call && (may_be(markup_.opener) || may_be(markup_.call));
}

void TagCalls::finish(ReplyEnd end, ReplyEvents& events) {
  if (end == ReplyEnd::Cut && is_cut_call()) return tell_cut_call(calls_, events);
  while (step(events, true)) {
  }
  if (in_call_) {
    // Only closers are missing where the model ended its turn behind a value, or behind the name.
    end_call(end == ReplyEnd::Whole && place_ == Place::Between, events);
  } else {
    tell_text(opening_ + std::string(held_.view()), events);
  }
}

bool TagCalls::step(ReplyEvents& events, bool ended) {
  switch (place_) {
    case Place::Text:
      return pass_text(events, ended);
    case Place::Opened:
      return open(events, ended);
    case Place::Name:
      return read_name(events, ended);
    case Place::Between:
      return read_between(events);
    case Place::Key:
      return read_key(events);
    case Place::Attributes:
      return read_attributes();
    case Place::BeforeValue:
      return skip_to_value(events, ended);
    case Place::Value:
      return read_value(events, ended);
    case Place::After:
      return after(ended);
  }
  return false;
}

void TagCalls::drop_blanks() { held_.erase(held_.blanks()); }

// Text goes through up to an opener, or to a call without one. White space before it belongs to neither.
bool TagCalls::pass_text(ReplyEvents& events, bool ended) {
  if (std::exchange(is_after_call_, false)) drop_blanks();
  if (held_.empty()) return false;
  const std::string_view text = held_.view();
  const auto place_of = [&](std::string_view tag) {
    return tag.empty() ? std::string_view::npos : text.find(tag, held_.unsearched(tag.size()));
  };
  const std::size_t call = place_of(markup_.call), opener = place_of(markup_.opener);
  const std::size_t at = std::min(call, opener);
  if (at != std::string_view::npos) {
    const std::size_t end = held_.solid_end(at);
    tell_text(text.substr(0, end), events);
    is_behind_call_ = is_behind_call_ && end == 0;
    is_opened_ = opener <= call && opener != std::string_view::npos;
    const std::size_t tag = is_opened_ ? markup_.opener.size() : markup_.call.size();
    opening_ = text.substr(end, at - end + tag);
    held_.erase(at + tag);
    go_to(is_opened_ ? Place::Opened : Place::Name);
    return true;
  }
  held_.was_searched();
  const std::size_t shown = ended ? text.size() : held_.solid_end(text.size() - held_back(text, openers_));
  tell_text(text.substr(0, shown), events);
  is_behind_call_ = is_behind_call_ && shown == 0;
  held_.erase(shown);
  return false;
}

// Behind the opener a call has to come.
bool TagCalls::open(ReplyEvents& events, bool ended) {
  const std::size_t blanks = held_.blanks();
  const Begins call = begins_with(held_.view().substr(blanks), markup_.call);
  if (call == Begins::Maybe && !ended) return false;
  if (call != Begins::Yes) {
    give_up(events);
    return true;
  }
  opening_ += held_.view().substr(0, blanks + markup_.call.size());
  held_.erase(blanks + markup_.call.size());
  go_to(Place::Name);
  return true;
}

// A name ends at its tag, or where another one begins (GLM's calls without parameters are followed by no line break).
bool TagCalls::read_name(ReplyEvents& events, bool ended) {
  const bool is_line = markup_.name_end == "\n";
  const std::string_view text = held_.view();
  const std::size_t blanks = is_line ? held_.blanks() : 0;
  std::size_t end = text.find(markup_.name_end, blanks), taken = end + markup_.name_end.size();
  if (is_line) {
    const std::size_t tag = text.find('<', blanks);
    if (tag < end) end = taken = tag;
  }
  if (end == std::string_view::npos) {
    const bool is_long = text.size() - blanks >= kMaxNameBytes + markup_.name_end.size();
    if (ended || is_long || (!is_line && text.contains('\n'))) {
      give_up(events);
      return !ended;
    }
    return false;
  }
  std::string_view name = text.substr(blanks, end - blanks);
  const bool is_one =
      !name.empty() && name.size() <= kMaxNameBytes && name.find_first_of("\n<>\"{}") == std::string_view::npos;
  name = trimmed_at_end(name);
  if (!is_one || name.empty() || !(is_opened_ || calls_ > 0 || std::ranges::contains(tools_, name))) {
    give_up(events);
    return true;
  }
  name_ = name;
  held_.erase(taken);
  opening_.clear();
  has_parameters_ = false;
  in_call_ = true;
  events.emplace_back(ToolCallBegun{.call = calls_, .name = name_});
  go_to(Place::Between);
  return true;
}

// Between parameters: one more, the call's end, or something else, before which the call is over.
bool TagCalls::read_between(ReplyEvents& events) {
  drop_blanks();
  const std::string_view text = held_.view();
  const Begins parameter = begins_with(text, markup_.parameter), end = begins_with(text, markup_.call_end);
  if (parameter == Begins::Yes) {
    held_.erase(markup_.parameter.size());
    go_to(Place::Key);
    return true;
  }
  if (end == Begins::Yes) {
    held_.erase(markup_.call_end.size());
  } else if (held_.empty() || parameter == Begins::Maybe || end == Begins::Maybe) {
    // Also at the end: whether half a tag makes the call a whole one depends on who ended the reply.
    return false;
  }
  end_call(true, events);
  go_to(Place::After);
  return true;
}

bool TagCalls::read_key(ReplyEvents& events) {
  const std::size_t end = held_.find(markup_.key_end);
  if (end == std::string_view::npos) return false;
  const std::string_view key = trimmed_at_end(held_.view().substr(0, end));
  key_ = key.substr(white_at_front(key));
  held_.erase(end + markup_.key_end.size());
  const auto tool = std::ranges::find(tools_, name_);
  const auto index = static_cast<std::size_t>(tool - tools_.begin());
  kind_ = index < schemas_.size() ? parameter_kind(schemas_[index], key_) : ParameterKind::Unknown;
  const std::string quoted = nlohmann::json(key_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  tell_json((std::exchange(has_parameters_, true) ? ", " : "{") + quoted + ": ", events);
  go_to(markup_.has_attributes ? Place::Attributes : Place::BeforeValue);
  return true;
}

bool TagCalls::read_attributes() {
  const std::size_t end = held_.find(">");
  if (end == std::string_view::npos) return false;
  const std::string_view attributes = held_.view().substr(0, end);
  if (attributes.contains("string=\"true\"")) kind_ = ParameterKind::Text;
  if (attributes.contains("string=\"false\"")) kind_ = ParameterKind::Value;
  held_.erase(end + 1);
  go_to(Place::BeforeValue);
  return true;
}

bool TagCalls::skip_to_value(ReplyEvents& events, bool ended) {
  if (!markup_.value.empty()) {
    drop_blanks();
    const Begins begins = begins_with(held_.view(), markup_.value);
    if (begins == Begins::Maybe && !ended) return false;
    if (begins == Begins::Yes) held_.erase(markup_.value.size());
  }
  value_end_ = markup_.value_end;
  bool is_cdata = false;
  if (markup_.has_cdata) {
    const Begins begins = begins_with(held_.view(), kCdata);
    if (begins == Begins::Maybe && !ended) return false;
    is_cdata = begins == Begins::Yes;
  }
  if (is_cdata) {
    held_.erase(kCdata.size());
    kind_ = ParameterKind::Text;
    value_end_ = std::string(kCdataEnd) + value_end_;
  }
  value_.emplace(kind_);
  // All of it is the text: line breaks that it does not have are given to the tags.
  if (is_cdata) tell_json(value_->push("\n"), events);
  go_to(Place::Value);
  return true;
}

bool TagCalls::read_value(ReplyEvents& events, bool ended) {
  const std::string_view text = held_.view();
  const std::size_t end = text.find(value_end_);
  if (end != std::string_view::npos) {
    std::string json = value_->push(text.substr(0, end));
    if (value_end_ != markup_.value_end) json += value_->push("\n");
    tell_json(json + value_->finish(), events);
    held_.erase(end + value_end_.size());
    go_to(Place::Between);
    return true;
  }
  const std::size_t sure = text.size() - (ended ? 0 : held_back(text, {value_end_}));
  tell_json(value_->push(text.substr(0, sure)), events);
  held_.erase(sure);
  return false;
}

// Closers are dropped, also where they stand alone or twice, or were cut. Then another call, or text.
bool TagCalls::after(bool ended) {
  const std::size_t blanks = held_.blanks();
  const std::string_view rest = held_.view().substr(blanks);
  for (const std::string_view tag : {markup_.closer, markup_.call_end}) {
    const Begins begins = begins_with(rest, tag);
    if (begins == Begins::Maybe) {
      if (ended) static_cast<void>(held_.take());
      return false;
    }
    if (begins == Begins::Yes) {
      held_.erase(blanks + tag.size());
      return true;
    }
  }
  is_after_call_ = is_behind_call_ = true;
  go_to(Place::Text);
  return true;
}

void TagCalls::give_up(ReplyEvents& events) {
  tell_text(std::exchange(opening_, {}), events);
  is_behind_call_ = false;
  is_opened_ = false;
  go_to(Place::Text);
}

void TagCalls::tell_json(std::string json, ReplyEvents& events) {
  if (!json.empty()) events.emplace_back(ToolCallArguments{.call = calls_, .json = std::move(json)});
}

void TagCalls::end_call(bool is_complete, ReplyEvents& events) {
  if (is_complete) tell_json(has_parameters_ ? "}" : "{}", events);
  events.emplace_back(ToolCallEnded{.call = calls_++, .is_complete = is_complete});
  in_call_ = false;
}

}  // namespace llama::internal
