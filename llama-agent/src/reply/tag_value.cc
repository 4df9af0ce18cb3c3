#include "tag_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "loose_json.h"

namespace llama::internal {
namespace {

std::string between_quotes(std::string_view text) {
  const std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

void drop_first_line_break(std::string& text) {
  if (text.starts_with("\r\n")) {
    text.erase(0, 2);
  } else if (text.starts_with('\n')) {
    text.erase(0, 1);
  }
}

void drop_last_line_break(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

bool is_text_alone(const nlohmann::json& schema) {
  if (!schema.is_object()) return false;
  if (const auto type = schema.find("type"); type != schema.end()) return *type == "string";
  const auto all_texts = [](const nlohmann::json& list) {
    return list.is_array() && !list.empty() &&
           std::ranges::all_of(list, [](const auto& one) { return one.is_string(); });
  };
  return schema.contains("enum") && all_texts(schema["enum"]);
}

}  // namespace

ParameterKind parameter_kind(const std::string& schema, const std::string& parameter) {
  const auto whole = nlohmann::json::parse(schema, nullptr, false);
  if (!whole.is_object()) return ParameterKind::Unknown;
  const auto properties = whole.find("properties");
  if (properties == whole.end() || !properties->is_object() || !properties->contains(parameter))
    return ParameterKind::Unknown;
  const auto& own = (*properties)[parameter];
  if (is_text_alone(own)) return ParameterKind::Text;
  return own.is_object() && own.contains("type") ? ParameterKind::Value : ParameterKind::Unknown;
}

std::string TagValue::push(std::string_view text) {
  held_ += text;
  if (kind_ != ParameterKind::Text) return {};
  std::string told;
  if (!has_begun_) {
    if (held_.empty() || held_ == "\r") return {};
    drop_first_line_break(held_);
    has_begun_ = true;
    told = "\"";
  }
  // A line break at the end may be the closing tag's.
  std::size_t sure = held_.size();
  if (sure > 0 && held_[sure - 1] == '\n') --sure;
  if (sure > 0 && held_[sure - 1] == '\r') --sure;
  told += between_quotes(std::string_view(held_).substr(0, sure));
  held_.erase(0, sure);
  return told;
}

std::string TagValue::finish() {
  if (kind_ == ParameterKind::Text) {
    std::string told = has_begun_ ? "" : "\"";
    if (!has_begun_) drop_first_line_break(held_);
    drop_last_line_break(held_);
    return told + between_quotes(held_) + "\"";
  }
  drop_first_line_break(held_);
  drop_last_line_break(held_);
  const auto value = nlohmann::json::parse(held_, nullptr, false);
  const bool is_json = !value.is_discarded() && (kind_ == ParameterKind::Value || !value.is_string());
  const std::size_t begin = std::min(held_.find_first_not_of(" \t\r\n"), held_.size());
  std::string bare = held_.substr(begin, held_.find_last_not_of(" \t\r\n") + 1 - begin);
  if (is_json) return bare;  // as it is written: a large number keeps its digits
  // Some templates write Python's values into the history, and models learn it from them.
  return json_of_python(bare).value_or("\"" + between_quotes(held_) + "\"");
}

}  // namespace llama::internal
