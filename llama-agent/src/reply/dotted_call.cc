#include "dotted_call.h"

#include <nlohmann/json.hpp>

namespace llama::internal {
namespace {

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_dotted_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// A word of Python's as JSON. Nothing: it is none.
std::string_view json_of_word(std::string_view word) {
  if (word == "True") return "true";
  if (word == "False") return "false";
  if (word == "None") return "null";
  return nlohmann::json::accept(word) ? word : std::string_view();
}

}  // namespace

void DottedCall::begin(ReplyEvents& events) {
  begun_ = true;
  raw_.clear();
  events.emplace_back(ToolCallBegun{.call = number_, .name = name_});
  json_ += "{";
}

void DottedCall::end(bool is_complete, ReplyEvents& events) {
  place_ = Place::Over;
  if (!begun_) return;
  if (is_complete) json_ += "}";
  tell(events);
  // Half of a character that is written in two \u is no JSON.
  is_complete = is_complete && nlohmann::json::accept(told_);
  events.emplace_back(ToolCallEnded{.call = number_, .is_complete = is_complete});
}

void DottedCall::tell(ReplyEvents& events) {
  if (json_.empty()) return;
  told_ += json_;
  events.emplace_back(ToolCallArguments{.call = number_, .json = std::exchange(json_, {})});
}

bool DottedCall::begin_value(char c) {
  json_ += std::string(has_one_ ? ", " : "") + "\"" + key_ + "\": ";
  has_one_ = true;
  key_.clear();
  word_.clear();
  if (c == '"' || c == '\'') {
    quote_ = c;
    json_ += '"';
    place_ = Place::InString;
  } else {
    word_ = c;
    place_ = Place::InWord;
  }
  return true;
}

bool DottedCall::end_word() {
  while (!word_.empty() && is_dotted_blank(word_.back())) word_.pop_back();
  const auto json = json_of_word(word_);
  json_ += json;
  place_ = Place::Next;
  return !json.empty();
}

bool DottedCall::take_in_string(char c) {
  if (hex_) {
    if (is_hex_digit(c)) {
      *hex_ += c;
      if (hex_->size() == 4) json_ += "\\u" + *std::exchange(hex_, {});
      return true;
    }
    json_ += "\\\\u" + *std::exchange(hex_, {});  // no character's number: a folder of Windows', say
  }
  if (escaped_) {
    escaped_ = false;
    if (c == 'u') {
      hex_.emplace();
    } else {
      json_ += std::string_view("\"\\/bfnrt").contains(c) ? std::string{'\\', c} : std::string(1, c);
    }
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == quote_) {
    json_ += '"';
    place_ = Place::Next;
  } else if (c == '"') {
    json_ += "\\\"";
  } else if (static_cast<unsigned char>(c) < 0x20) {
    json_ += c == '\n' ? "\\n" : c == '\t' ? "\\t" : " ";
  } else {
    json_ += c;
  }
  return true;
}

bool DottedCall::take(char c, ReplyEvents& events) {
  switch (place_) {
    case Place::Key:
      if (is_dotted_blank(c)) return true;
      if (c == ')' && key_.empty()) {
        if (!begun_) begin(events);
        end(true, events);
        return true;
      }
      if (c == '=' && !key_.empty()) {
        if (!begun_) begin(events);
        place_ = Place::Value;
        return true;
      }
      key_ += c;
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    case Place::Value:
      return is_dotted_blank(c) || (c != ',' && c != ')' && begin_value(c));
    case Place::InString:
      return take_in_string(c);
    case Place::InWord:
      if (c != ',' && c != ')') {
        word_ += c;
        return true;
      }
      return end_word() && take(c, events);
    case Place::Next:
      if (c == ',') place_ = Place::Key;
      if (c == ')') end(true, events);
      return c == ',' || c == ')' || is_dotted_blank(c);
    case Place::Over:
      return false;
  }
  return false;
}

std::size_t DottedCall::push(std::string_view text, ReplyEvents& events) {
  std::size_t taken = 0;
  while (taken < text.size() && place_ != Place::Over) {
    const char c = text[taken];
    if (!take(c, events)) {
      end(false, events);
      break;
    }
    if (!begun_) raw_ += c;
    ++taken;
  }
  if (begun_) tell(events);
  return taken;
}

void DottedCall::finish(bool is_whole, ReplyEvents& events) {
  if (place_ == Place::Over) return;
  if (place_ == Place::InWord && !end_word()) is_whole = false;
  end(is_whole && place_ == Place::Next, events);
}

}  // namespace llama::internal
