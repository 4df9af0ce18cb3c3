#include "python_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

class JsonWriter {
 public:
  explicit JsonWriter(const PythonJsonStyle& style)
      : style_(style),
        item_(style.item_separator.empty() ? (style.indent ? "," : ", ") : style.item_separator),
        key_(style.key_separator.empty() ? ": " : style.key_separator) {}

  void write(const Json& value, int depth) {
    if (value.is_array() && !value.empty()) {
      open('[');
      for (std::size_t i = 0; i < value.size(); ++i) {
        begin_item(i, depth + 1);
        write(value[i], depth + 1);
      }
      close(']', depth);
    } else if (value.is_object() && !value.empty()) {
      open('{');
      std::vector<const Json::object_t::value_type*> members;
      for (const auto& member : value.get_ref<const Json::object_t&>()) members.push_back(&member);
      if (style_.sort_keys) std::ranges::sort(members, {}, [](const auto* member) { return member->first; });
      for (std::size_t i = 0; i < members.size(); ++i) {
        begin_item(i, depth + 1);
        write(Json(members[i]->first), depth + 1);
        text_ += key_;
        write(members[i]->second, depth + 1);
      }
      close('}', depth);
    } else {
      text_ += value.dump(-1, ' ', style_.ensure_ascii, Json::error_handler_t::replace);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  void open(char bracket) { text_ += bracket; }
  void begin_item(std::size_t index, int depth) {
    if (index > 0) text_ += item_;
    new_line(depth);
  }
  void close(char bracket, int depth) {
    new_line(depth);
    text_ += bracket;
  }
  void new_line(int depth) {
    if (!style_.indent) return;
    text_ += '\n';
    text_.append(static_cast<std::size_t>(std::clamp<std::int64_t>(*style_.indent, 0, 32) * depth), ' ');
  }

  const PythonJsonStyle& style_;
  std::string item_, key_, text_;
};

}  // namespace

std::string python_json(const Json& value, const PythonJsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace llama::internal
