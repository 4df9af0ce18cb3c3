#include "tag_calls.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "stop_strings.h"

namespace llama::internal {
namespace {

constexpr std::string_view kCdata = "<![CDATA[", kCdataEnd = "]]>";
constexpr std::string_view kTagBlanks = " \t\r\n";
constexpr std::size_t kMaxNameBytes = 256;

std::size_t blanks_before(std::string_view text) { return std::min(text.find_first_not_of(kTagBlanks), text.size()); }

// Does the text begin with the tag, or may it yet?
enum class Begins { No, Maybe, Yes };
Begins begins_with(std::string_view text, std::string_view tag) {
  if (tag.empty()) return Begins::No;
  if (text.starts_with(tag)) return Begins::Yes;
  return tag.starts_with(text) ? Begins::Maybe : Begins::No;
}

}  // namespace

void TagCalls::push(const ReplyPiece& piece, ReplyEvents& events) {
  held_ += piece.text;
  advance(events, false);
}

// Behind a call, half a tag that opens one is the beginning of another.
bool TagCalls::is_cut_call() const {
  const std::string_view rest = std::string_view(held_).substr(blanks_before(held_));
  const auto is_name = [&](const std::string& tool) { return tool.starts_with(rest); };
  const auto may_be = [&](std::string_view tag) { return begins_with(rest, tag) == Begins::Maybe; };
  if (place_ == Place::Opened) return true;
  if (place_ == Place::Name) return is_opened_ || calls_ > 0 || std::ranges::any_of(tools_, is_name);
  const bool is_held_behind_call = place_ == Place::Text && is_behind_call_ && !rest.empty();
  return is_held_behind_call && (may_be(markup_.opener) || may_be(markup_.call));
}

void TagCalls::finish(ReplyEnd end, ReplyEvents& events) {
  if (end == ReplyEnd::Cut && is_cut_call()) return tell_cut_call(calls_, events);
  advance(events, true);
  if (in_call_) {
    // Only closers are missing where the model ended its turn behind a value, or behind the name.
    end_call(end == ReplyEnd::Whole && place_ == Place::Between, events);
  } else {
    tell_text(opening_ + held_, events);
  }
}

void TagCalls::advance(ReplyEvents& events, bool ended) {
  for (bool goes_on = true; goes_on;) {
    switch (place_) {
      case Place::Text:
        goes_on = pass_text(events, ended);
        break;
      case Place::Opened:
        goes_on = open(events, ended);
        break;
      case Place::Name:
        goes_on = read_name(events, ended);
        break;
      case Place::Between:
        goes_on = read_between(events);
        break;
      case Place::Key:
        goes_on = read_key(events);
        break;
      case Place::Attributes:
        goes_on = read_attributes();
        break;
      case Place::BeforeValue:
        goes_on = skip_to_value(ended);
        break;
      case Place::Value:
        goes_on = read_value(events, ended);
        break;
      case Place::After:
        goes_on = after(ended);
        break;
    }
  }
}

bool TagCalls::is_tool(std::string_view name) const { return std::ranges::contains(tools_, name); }

void TagCalls::drop_blanks() { held_.erase(0, blanks_before(held_)); }

// Text goes through up to an opener, or to a call without one. White space before it belongs to neither.
bool TagCalls::pass_text(ReplyEvents& events, bool ended) {
  if (std::exchange(is_after_call_, false)) drop_blanks();
  if (held_.empty()) return false;
  const std::size_t call = held_.find(markup_.call);
  const std::size_t opener = markup_.opener.empty() ? std::string::npos : held_.find(markup_.opener);
  const std::size_t at = std::min(call, opener);
  if (at != std::string::npos) {
    const std::string_view before = std::string_view(held_).substr(0, at);
    const std::size_t end = before.find_last_not_of(kTagBlanks) + 1;
    tell_text(before.substr(0, end), events);
    is_behind_call_ = is_behind_call_ && end == 0;
    is_opened_ = opener <= call && opener != std::string::npos;
    const std::size_t tag = is_opened_ ? markup_.opener.size() : markup_.call.size();
    opening_ = held_.substr(end, at - end + tag);
    held_.erase(0, at + tag);
    place_ = is_opened_ ? Place::Opened : Place::Name;
    return true;
  }
  std::size_t shown = held_.size();
  if (!ended) {
    shown -= held_back(held_, {std::string(markup_.call), std::string(markup_.opener)});
    shown = std::string_view(held_).substr(0, shown).find_last_not_of(kTagBlanks) + 1;
  }
  tell_text(std::string_view(held_).substr(0, shown), events);
  is_behind_call_ = is_behind_call_ && shown == 0;
  held_.erase(0, shown);
  return false;
}

// Behind the opener a call has to come.
bool TagCalls::open(ReplyEvents& events, bool ended) {
  const std::size_t blanks = blanks_before(held_);
  const Begins call = begins_with(std::string_view(held_).substr(blanks), markup_.call);
  if (call == Begins::Maybe && !ended) return false;
  if (call != Begins::Yes) {
    give_up(events);
    return true;
  }
  opening_ += held_.substr(0, blanks + markup_.call.size());
  held_.erase(0, blanks + markup_.call.size());
  place_ = Place::Name;
  return true;
}

// A name ends at its tag, or where another one begins (GLM's calls without parameters are followed by no line break).
bool TagCalls::read_name(ReplyEvents& events, bool ended) {
  const std::size_t blanks = markup_.name_end == "\n" ? blanks_before(held_) : 0;
  std::size_t end = held_.find(markup_.name_end, blanks), taken = end + markup_.name_end.size();
  if (markup_.name_end == "\n") {
    const std::size_t tag = held_.find('<', blanks);
    if (tag < end) end = taken = tag;
  }
  if (end == std::string::npos) {
    const bool is_hopeless = held_.size() > kMaxNameBytes || (markup_.name_end != "\n" && held_.contains('\n'));
    if (ended || is_hopeless) {
      give_up(events);
      return !ended;
    }
    return false;
  }
  std::string name = held_.substr(blanks, end - blanks);
  name.erase(name.find_last_not_of(kTagBlanks) + 1);
  const bool is_one =
      !name.empty() && name.size() <= kMaxNameBytes && name.find_first_of("\n<>\"{}") == std::string::npos;
  if (!is_one || !(is_opened_ || calls_ > 0 || is_tool(name))) {
    give_up(events);
    return true;
  }
  held_.erase(0, taken);
  opening_.clear();
  name_ = std::move(name);
  has_parameters_ = false;
  in_call_ = true;
  events.emplace_back(ToolCallBegun{.call = calls_, .name = name_});
  place_ = Place::Between;
  return true;
}

// Between parameters: one more, the call's end, or something else, before which the call is over.
bool TagCalls::read_between(ReplyEvents& events) {
  drop_blanks();
  const Begins parameter = begins_with(held_, markup_.parameter), end = begins_with(held_, markup_.call_end);
  if (parameter == Begins::Yes) {
    held_.erase(0, markup_.parameter.size());
    place_ = Place::Key;
    return true;
  }
  if (end == Begins::Yes) {
    held_.erase(0, markup_.call_end.size());
  } else if (held_.empty() || parameter == Begins::Maybe || end == Begins::Maybe) {
    // Also at the end: whether half a tag makes the call a whole one depends on who ended the reply.
    return false;
  }
  end_call(true, events);
  place_ = Place::After;
  return true;
}

bool TagCalls::read_key(ReplyEvents& events) {
  const std::size_t end = held_.find(markup_.key_end);
  if (end == std::string::npos) return false;
  key_ = held_.substr(0, end);
  held_.erase(0, end + markup_.key_end.size());
  const std::size_t begin = blanks_before(key_);
  key_ = key_.substr(begin, key_.find_last_not_of(kTagBlanks) + 1 - begin);
  const auto tool = std::ranges::find(tools_, name_);
  const auto index = static_cast<std::size_t>(tool - tools_.begin());
  kind_ = index < schemas_.size() ? parameter_kind(schemas_[index], key_) : ParameterKind::Unknown;
  const std::string quoted = nlohmann::json(key_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  tell_json((std::exchange(has_parameters_, true) ? ", " : "{") + quoted + ": ", events);
  place_ = markup_.has_attributes ? Place::Attributes : Place::BeforeValue;
  return true;
}

bool TagCalls::read_attributes() {
  const std::size_t end = held_.find('>');
  if (end == std::string::npos) return false;
  const std::string_view attributes = std::string_view(held_).substr(0, end);
  if (attributes.contains("string=\"true\"")) kind_ = ParameterKind::Text;
  if (attributes.contains("string=\"false\"")) kind_ = ParameterKind::Value;
  held_.erase(0, end + 1);
  place_ = Place::BeforeValue;
  return true;
}

bool TagCalls::skip_to_value(bool ended) {
  if (!markup_.value.empty()) {
    drop_blanks();
    const Begins begins = begins_with(held_, markup_.value);
    if (begins == Begins::Maybe && !ended) return false;
    if (begins == Begins::Yes) held_.erase(0, markup_.value.size());
  }
  value_end_ = markup_.value_end;
  if (markup_.has_cdata) {
    const Begins begins = begins_with(held_, kCdata);
    if (begins == Begins::Maybe && !ended) return false;
    if (begins == Begins::Yes) {
      held_.erase(0, kCdata.size());
      // All of it is the text: line breaks that it does not have are given to the tags.
      held_.insert(0, "\n");
      kind_ = ParameterKind::Text;
      value_end_ = std::string(kCdataEnd) + value_end_;
    }
  }
  value_.emplace(kind_);
  place_ = Place::Value;
  return true;
}

bool TagCalls::read_value(ReplyEvents& events, bool ended) {
  const std::size_t end = held_.find(value_end_);
  if (end != std::string::npos) {
    std::string json = value_->push(std::string_view(held_).substr(0, end));
    if (value_end_ != markup_.value_end) json += value_->push("\n");
    tell_json(json + value_->finish(), events);
    held_.erase(0, end + value_end_.size());
    place_ = Place::Between;
    return true;
  }
  std::size_t sure = held_.size();
  if (!ended) sure -= held_back(held_, {value_end_});
  tell_json(value_->push(std::string_view(held_).substr(0, sure)), events);
  held_.erase(0, sure);
  return false;
}

// Closers are dropped, also where they stand alone or twice, or were cut. Then another call, or text.
bool TagCalls::after(bool ended) {
  const std::size_t blanks = blanks_before(held_);
  const auto rest = std::string_view(held_).substr(blanks);
  for (const std::string_view tag : {markup_.closer, markup_.call_end}) {
    const Begins begins = begins_with(rest, tag);
    if (begins == Begins::Maybe) {
      if (ended) held_.clear();
      return false;
    }
    if (begins == Begins::Yes) {
      held_.erase(0, blanks + tag.size());
      return true;
    }
  }
  is_after_call_ = is_behind_call_ = true;
  place_ = Place::Text;
  return true;
}

void TagCalls::give_up(ReplyEvents& events) {
  tell_text(std::exchange(opening_, {}), events);
  is_behind_call_ = false;
  is_opened_ = false;
  place_ = Place::Text;
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
