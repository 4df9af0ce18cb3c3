#include "json_call.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace llama::internal {
namespace {

bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_name_key(std::string_view key) { return key == "name" || key == "tool_name"; }
bool is_id_key(std::string_view key) { return key == "id" || key == "tool_call_id"; }

bool is_json_object(const std::string& json) { return json.starts_with('{') && nlohmann::json::accept(json); }

}  // namespace

void JsonCall::begin(ReplyEvents& events) {
  begun_ = true;
  raw_.clear();
  events.emplace_back(ToolCallBegun{.call = number_, .id = id_, .name = name_});
}

void JsonCall::tell_arguments(ReplyEvents& events) {
  if (!begun_ || told_ == arguments_.size()) return;
  events.emplace_back(ToolCallArguments{.call = number_, .json = arguments_.substr(told_)});
  told_ = arguments_.size();
}

void JsonCall::end(bool is_complete, ReplyEvents& events) {
  place_ = Place::Over;
  if (!begun_) return;
  if (is_complete && arguments_.empty()) arguments_ = "{}";
  tell_arguments(events);
  events.emplace_back(ToolCallEnded{.call = number_, .is_complete = is_complete && is_json_object(arguments_)});
}

void JsonCall::begin_value(char c) {
  const bool is_text = c == '"';
  const bool is_key = form_ == JsonCallForm::NameIsKey || key_ == "arguments" || key_ == "parameters";
  const bool is_arguments = is_key && !has_arguments_;
  if (is_name_key(key_) && is_text && !has_name_) {
    place_ = Place::InName;
    string_ = {};
  } else if (is_arguments && (is_text || c == '{')) {
    has_arguments_ = true;
    place_ = is_text ? Place::InArgumentsText : Place::InArguments;
    string_ = {};
    value_ = {};
    if (!is_text) static_cast<void>(value_.push(c, arguments_));
  } else {
    place_ = Place::InOther;
    value_ = {};
    other_.clear();
    static_cast<void>(value_.push(c, other_));
  }
}

bool JsonCall::start(char c, ReplyEvents& events) {
  if (is_json_blank(c)) return true;
  if (form_ != JsonCallForm::Arguments) {
    if (c == '{') place_ = Place::Key;
    return c == '{';
  }
  if (c != '{' && c != '"') return false;
  has_name_ = true;
  key_ = "arguments";
  begin(events);
  begin_value(c);
  return true;
}

void JsonCall::end_arguments(ReplyEvents& events) {
  place_ = Place::Next;
  if (form_ == JsonCallForm::Arguments) end(true, events);
}

bool JsonCall::take(char c, ReplyEvents& events) {
  switch (place_) {
    case Place::Start:
      return start(c, events);
    case Place::Key:
      if (is_json_blank(c) || c == ',') return true;
      if (c == '"') {
        key_.clear();
        string_ = {};
        place_ = Place::InKey;
        return true;
      }
      if (c == '}' && has_name_) end(true, events);
      return c == '}' && has_name_;
    case Place::InKey:
      if (string_.push(c, key_)) return true;
      place_ = Place::Colon;
      if (form_ == JsonCallForm::NameIsKey && !has_name_ && !key_.empty()) {
        name_ = key_;
        has_name_ = true;
      }
      return true;
    case Place::Colon:
      if (c != ':') return is_json_blank(c);
      place_ = Place::Value;
      if (form_ == JsonCallForm::NameIsKey && has_name_ && !begun_) begin(events);
      return true;
    case Place::Value:
      if (is_json_blank(c)) return true;
      if (c == ',' || c == ':' || c == '}' || c == ']') return false;
      begin_value(c);
      return true;
    case Place::InName:
      if (string_.push(c, name_)) return true;
      if (name_.empty()) return false;
      has_name_ = true;
      place_ = Place::Next;
      begin(events);
      return true;
    case Place::InArguments:
      if (value_.push(c, arguments_) == JsonValue::Took::Last) end_arguments(events);
      return true;
    case Place::InArgumentsText:
      if (!string_.push(c, arguments_)) end_arguments(events);
      return true;
    case Place::InOther: {
      const auto took = value_.push(c, other_);
      if (took == JsonValue::Took::Part) return true;
      place_ = Place::Next;
      if (is_id_key(key_) && !begun_) {
        if (const auto id = nlohmann::json::parse(other_, nullptr, false); id.is_string()) id_ = id.get<std::string>();
      }
      return took == JsonValue::Took::Last || take(c, events);
    }
    case Place::Next:
      if (c == ',') place_ = Place::Key;
      if (c == '}' && has_name_) {
        end(true, events);
        return true;
      }
      return c == ',' || is_json_blank(c);
    case Place::Over:
      return false;
  }
  return false;
}

std::size_t JsonCall::push(std::string_view text, ReplyEvents& events) {
  std::size_t taken = 0;
  while (taken < text.size() && place_ != Place::Over) {
    const bool ours = take(text[taken], events);
    if (!ours) {
      end(false, events);
      break;
    }
    if (!begun_) raw_ += text[taken];
    ++taken;
  }
  tell_arguments(events);
  return taken;
}

void JsonCall::finish(bool is_whole, ReplyEvents& events) {
  if (place_ == Place::Over) return;
  const bool has_none = form_ == JsonCallForm::Arguments && place_ == Place::Start;
  if (has_none) begin(events);
  end(is_whole && (has_none || place_ == Place::Next || place_ == Place::Key), events);
}

}  // namespace llama::internal
