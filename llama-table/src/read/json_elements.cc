#include "read/json_elements.h"

#include <utility>

namespace llama::internal {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n\xef\xbb\xbf";  // a byte-order mark too
constexpr std::size_t kMaxValueBytes = 128 << 20;

}  // namespace

void JsonElements::finish_value(std::vector<JsonElement>& out) {
  out.push_back(std::exchange(value_, {}));
  place_ = Place::After;
}

void JsonElements::step_in_value(char c, std::vector<JsonElement>& out) {
  if (is_string_) {
    value_.text += c;
    if (is_escaped_ || c == '\\') {
      is_escaped_ = !is_escaped_;
    } else if (c == '"') {
      is_string_ = false;
      if (depth_ == 0) finish_value(out);
    }
    return;
  }
  if (is_scalar_ && (c == ',' || c == ']' || kJsonSpace.contains(c))) {
    finish_value(out);
    step_between(c);
    return;
  }
  value_.text += c;
  if (is_scalar_) return;
  if (c == '"') {
    is_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (c == '}' || c == ']') {
    if (--depth_ == 0) finish_value(out);
  }
}

void JsonElements::step_between(char c) {
  if (kJsonSpace.contains(c)) return;
  switch (place_) {
    case Place::Begin:
      if (c != '[') return break_off("it is no array");
      place_ = Place::Next;
      return;
    case Place::After:
      if (!is_array_) break;
      if (c != ',' && c != ']') return break_off("no comma between two objects");
      place_ = c == ',' ? Place::Next : Place::End;
      after_comma_ = c == ',';
      return;
    case Place::End:
      return break_off("something follows the end of the array");
    case Place::Next:
    case Place::Value:
      break;
  }
  if (is_array_ && c == ']' && !after_comma_) {
    place_ = Place::End;
    return;
  }
  if (c == ',' || c == ']' || c == '}') return break_off("no object where one is expected");
  place_ = Place::Value;
  value_ = {.text = std::string(1, c), .line = line_};
  depth_ = c == '{' || c == '[' ? 1 : 0;
  is_string_ = c == '"';
  is_escaped_ = false;
  is_scalar_ = depth_ == 0 && !is_string_;
}

void JsonElements::step(char c, std::vector<JsonElement>& out) {
  if (place_ == Place::Value) {
    step_in_value(c, out);
    if (value_.text.size() > kMaxValueBytes) fault_ = JsonFault{value_.line, "an object of more than 128 MB"};
  } else {
    step_between(c);
  }
  if (c == '\n') ++line_;
}

void JsonElements::append(std::string_view bytes, std::vector<JsonElement>& out) {
  for (const char c : bytes) {
    if (fault_) return;
    step(c, out);
  }
}

void JsonElements::end(std::vector<JsonElement>& out) {
  if (fault_) return;
  if (place_ == Place::Value && is_scalar_) finish_value(out);
  if (place_ == Place::Value) {
    fault_ = JsonFault{value_.line, "the object that begins here does not end"};
  } else if (is_array_ && place_ != Place::End) {
    break_off("the array does not end; is the file cut short?");
  }
}

}  // namespace llama::internal
