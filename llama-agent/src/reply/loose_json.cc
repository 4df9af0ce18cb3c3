#include "loose_json.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "call_block.h"
#include "json_quote.h"
#include "stop_strings.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxDepth = 128;

bool ends_word(char c) { return is_blank(c) || std::string_view(",:=[](){}\"'`").contains(c); }

// A number as JSON writes it: Python leaves a digit out beside the point, and parts digits with _. "": it is none.
std::string json_number(std::string_view word) {
  std::string text(word);
  if (text.starts_with('+')) text.erase(0, 1);
  std::erase(text, '_');
  if (const std::size_t point = text.find('.'); point != std::string::npos) {
    const auto is_digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    if (!is_digit(point + 1)) text.insert(point + 1, "0");
    if (point == 0 || !is_digit(point - 1)) text.insert(point, "0");
  }
  const bool is_number = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  return is_number && nlohmann::json::accept(text) ? text : "";
}

}  // namespace

LooseJson::LooseJson(Syntax syntax, std::vector<std::string> positions)
    : syntax_(syntax), positions_(std::move(positions)) {}

LooseJson::Took LooseJson::push(char c, std::string& json) { return take(c, json); }

bool LooseJson::open(char frame, std::string& json) {
  if (frames_.size() >= kMaxDepth) return false;
  frames_ += frame;
  has_item_ = false;
  json += frame == '{' || frame == 'a' ? '{' : '[';
  place_ = Place::Item;
  return true;
}

LooseJson::Took LooseJson::close(char c, std::string& json) {
  const char frame = frames_.back();
  if (c != (frame == '{' ? '}' : frame == '[' ? ']' : ')')) return Took::Wrong;
  json += is_object() ? '}' : ']';
  frames_.pop_back();
  has_item_ = true;
  place_ = Place::Next;
  return frames_.empty() ? Took::Last : Took::More;
}

void LooseJson::key(std::string& json) {
  json += json_string(word_) + ": ";
  word_.clear();
  place_ = Place::Value;
}

// The name of an argument that has none.
bool LooseJson::name_position(std::string& json) {
  if (position_ >= positions_.size()) return false;
  json += json_string(positions_[position_++]) + ": ";
  return true;
}

bool LooseJson::begin_item(char c, std::string& json) {
  if (has_item_) json += ", ";
  has_item_ = true;
  is_key_ = frames_.back() == '{';
  is_literal_ = false;
  const bool begins_word = !ends_word(c) && (syntax_.quote.empty() || c != syntax_.quote[0]);
  if (frames_.back() == 'a') {
    // A word may be a name or a value: what follows it tells.
    is_key_ = begins_word;
    is_literal_ = !begins_word;
    if (is_literal_ && !name_position(json)) return false;
  }
  return begin_value(c, json);
}

bool LooseJson::begin_value(char c, std::string& json) {
  if (c == '"' || c == '\'') {
    quote_ = c;
    place_ = Place::String;
    if (!is_key_) json += '"';
    return true;
  }
  if (!syntax_.quote.empty() && c == syntax_.quote[0]) {
    held_ = c;
    place_ = Place::Opening;
    return true;
  }
  if (!ends_word(c)) {
    word_ = c;
    place_ = Place::Word;
    return true;
  }
  if (is_key_) return false;
  return (c == '{' || c == '[' || c == '(') && open(c == '(' ? 't' : c, json);
}

void LooseJson::feed(std::string_view text) {
  for (const char c : text) string_.push(c, text_);
}

// Python's escapes, handed on as JSON's.
void LooseJson::escape(char c) {
  if (digits_ > 0) {
    code_ += c;
    if (--digits_ > 0) return;
    std::uint32_t code = 0;
    for (const char digit : code_) {
      const std::size_t value = std::string_view("0123456789abcdef0123456789ABCDEF").find(digit);
      code = value == std::string_view::npos
                 ? 0x110000
                 : std::min<std::uint32_t>(code, 0x110000) * 16U + static_cast<std::uint32_t>(value % 16);
    }
    if (code > 0x10FFFF) code = 0xFFFD;
    if (code > 0xFFFF) feed(std::format("\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10U)));
    feed(std::format("\\u{:04x}", code > 0xFFFF ? 0xDC00 + ((code - 0x10000) & 0x3FFU) : code));
    return;
  }
  escaped_ = false;
  if (c == 'x' || c == 'u' || c == 'U') {
    digits_ = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    code_.clear();
  } else if (std::string_view("bfnrt\"\\/").contains(c)) {
    feed(std::string{'\\', c});
  } else if (c == '\'') {
    feed("'");
  } else if (c != '\n') {
    feed(std::string("\\\\") + c);  // no escape after all: both stay
  }
}

void LooseJson::end_string(std::string& json) {
  string_.push('"', text_);  // its last half of a pair
  string_ = {};
  digits_ = 0;
  if (is_key_) {
    word_ = std::exchange(text_, {});
    place_ = Place::Colon;
    return;
  }
  append_in_quotes(std::exchange(text_, {}), json);
  json += '"';
  place_ = Place::Next;
}

bool LooseJson::end_word(std::string& json) {
  const std::string word = std::exchange(word_, {});
  std::string lower = word;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  place_ = Place::Next;
  if (lower == "true" || lower == "false") {
    json += lower;
  } else if (lower == "null" || lower == "none") {
    json += "null";
  } else if (const std::string digits = json_number(word); !digits.empty()) {
    json += digits;
  } else if (syntax_.words_are_strings) {
    json += json_string(word);
  } else {
    return false;
  }
  return true;
}

LooseJson::Took LooseJson::take(char c, std::string& json) {
  const auto more = [](bool is_right) { return is_right ? Took::More : Took::Wrong; };
  switch (place_) {
    case Place::Start:
      return more(open(c == '(' ? 'a' : c, json));
    case Place::Item:
      if (is_blank(c) || (c == ',' && has_item_)) return Took::More;
      if (c == '}' || c == ']' || c == ')') return close(c, json);
      return more(begin_item(c, json));
    case Place::Value:
      return more(is_blank(c) || begin_value(c, json));
    case Place::Colon:
      if (is_blank(c)) return Took::More;
      if (c != ':' && c != '=') return Took::Wrong;
      is_key_ = false;
      key(json);
      return Took::More;
    case Place::Next:
      if (is_blank(c)) return Took::More;
      if (c == ',') return place_ = Place::Item, Took::More;
      return close(c, json);
    case Place::String:
      if (escaped_ || digits_ > 0) {
        escape(c);
      } else if (c == quote_) {
        end_string(json);
        return Took::More;
      } else if (c == '\\') {
        escaped_ = true;
      } else {
        feed(c == '"' ? std::string("\\\"") : std::string(1, c));
      }
      if (!is_key_) append_in_quotes(std::exchange(text_, {}), json);
      return Took::More;
    case Place::Opening:
      held_ += c;
      if (!syntax_.quote.starts_with(held_)) return Took::Wrong;
      if (held_ == syntax_.quote) {
        held_.clear();
        place_ = Place::Quoted;
        if (!is_key_) json += '"';
      }
      return Took::More;
    case Place::Quoted: {
      held_ += c;
      const bool ended = held_.ends_with(syntax_.quote);
      const std::size_t back = ended ? syntax_.quote.size() : held_back(held_, {std::string(syntax_.quote)});
      text_ += held_.substr(0, held_.size() - back);
      held_.erase(0, held_.size() - back);
      if (ended) {
        held_.clear();
        end_string(json);
      } else if (!is_key_) {
        append_in_quotes(std::exchange(text_, {}), json);
      }
      return Took::More;
    }
    case Place::Word:
      if (!ends_word(c) || (is_key_ && frames_.back() == '{' && c != ':' && c != '=' && !is_blank(c))) {
        word_ += c;
        return Took::More;
      }
      if (is_key_) {
        place_ = frames_.back() == 'a' ? Place::WordEnd : Place::Colon;
        return take(c, json);
      }
      return end_word(json) ? take(c, json) : Took::Wrong;
    case Place::WordEnd:
      if (is_blank(c)) return Took::More;
      is_key_ = false;
      if (c == '=') {
        key(json);
        return Took::More;
      }
      return name_position(json) && end_word(json) ? take(c, json) : Took::Wrong;
  }
  return Took::Wrong;
}

std::optional<std::string> json_of_python(std::string_view text) {
  if (text == "True") return "true";
  if (text == "False") return "false";
  if (text == "None") return "null";
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return std::nullopt;
  LooseJson reader{{}};
  std::string json;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const LooseJson::Took took = reader.push(text[i], json);
    if (took == LooseJson::Took::Last && i + 1 == text.size()) return json;
    if (took != LooseJson::Took::More) break;
  }
  return std::nullopt;
}

}  // namespace llama::internal
