#include "read/json_structure.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <format>
#include <utility>

#include "llama-base/utf8.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxMembers = 500, kMaxShapeDepth = 200;

class StructureParser {
 public:
  explicit StructureParser(std::string_view text) : text_(text) {}

  std::optional<JsonShape> whole() {
    JsonShape shape = value(0);
    if (is_bad_ || at_ != text_.size()) return std::nullopt;
    return shape;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  char32_t hex() {
    unsigned value = 0;
    const std::string_view digits = text_.substr(at_, 4);
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    at_ += digits.size();
    return value;
  }

  void add_escape(std::string& out) {
    const char c = text_[at_++];
    constexpr std::string_view kLetters = "bfnrt", kMeant = "\b\f\n\r\t";
    if (c != 'u') {
      const std::size_t known = kLetters.find(c);
      out += known == std::string_view::npos ? c : kMeant[known];
      return;
    }
    char32_t character = hex();
    if (character >= 0xd800 && character < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      character = 0x10000 + ((character - 0xd800) << 10) + (hex() - 0xdc00);
    }
    std::array<char, 4> bytes{};
    out.append(bytes.data(), encode(character, bytes.data()));
  }

  std::string string() {
    std::string out;
    is_bad_ = is_bad_ || !take('"');
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        add_escape(out);
      } else {
        out += text_[at_++];
      }
    }
    is_bad_ = is_bad_ || !take('"');
    return out;
  }

  JsonShape object(std::size_t depth) {
    JsonShape shape{.kind = JsonShape::Kind::Object, .names = {}, .members = {}, .element = nullptr};
    while (!is_bad_ && !take('}')) {
      take(',');
      std::string name = string();
      is_bad_ = is_bad_ || !take(':');
      if (is_bad_) break;
      shape.names.push_back(std::move(name));
      shape.members.push_back(value(depth + 1));
    }
    return shape;
  }

  JsonShape value(std::size_t depth) {
    JsonShape shape;
    if (depth > kMaxShapeDepth || at_ >= text_.size()) {
      is_bad_ = true;
    } else if (take('{')) {
      return object(depth);
    } else if (take('[')) {
      shape.kind = JsonShape::Kind::Array;
      if (take(']')) return shape;
      shape.element = std::make_unique<JsonShape>(value(depth + 1));
      is_bad_ = is_bad_ || !take(']');
    } else {
      const std::string name = string();
      shape.kind = name == "UBIGINT" || name == "BIGINT" ? JsonShape::Kind::Integer
                   : name == "DOUBLE"                    ? JsonShape::Kind::Number
                   : name == "BOOLEAN"                   ? JsonShape::Kind::Boolean
                   : name == "VARCHAR"                   ? JsonShape::Kind::Text
                   : name == "NULL"                      ? JsonShape::Kind::Null
                                                         : JsonShape::Kind::Mixed;
    }
    return shape;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_bad_ = false;
};

}  // namespace

void JsonShape::merge(JsonShape other) {
  if (other.kind == Kind::Null || kind == Kind::Mixed) return;
  if (kind == Kind::Null) {
    *this = std::move(other);
  } else if (kind == Kind::Object && other.kind == Kind::Object) {
    for (std::size_t i = 0; i < other.members.size(); ++i) {
      const auto known = std::ranges::find(names, other.names[i]);
      if (known != names.end()) {
        members[static_cast<std::size_t>(known - names.begin())].merge(std::move(other.members[i]));
        continue;
      }
      names.push_back(std::move(other.names[i]));
      members.push_back(std::move(other.members[i]));
    }
    if (members.size() > kMaxMembers) *this = {.kind = Kind::Mixed, .names = {}, .members = {}, .element = nullptr};
  } else if (kind == Kind::Array && other.kind == Kind::Array) {
    if (element && other.element) {
      element->merge(std::move(*other.element));
    } else if (other.element) {
      element = std::move(other.element);
    }
  } else if (kind != other.kind) {
    const auto is_number = [](Kind k) { return k == Kind::Integer || k == Kind::Number; };
    *this = {.kind = is_number(kind) && is_number(other.kind) ? Kind::Number : Kind::Mixed,
             .names = {},
             .members = {},
             .element = nullptr};
  }
}

std::string JsonShape::sql() const {
  switch (kind) {
    case Kind::Integer:
      return "BIGINT";
    case Kind::Number:
      return "DOUBLE";
    case Kind::Boolean:
      return "BOOLEAN";
    case Kind::Text:
      return "VARCHAR";
    case Kind::Array:
      return (element ? element->sql() : "JSON") + "[]";
    case Kind::Object: {
      std::string list;
      for (std::size_t i = 0; i < members.size(); ++i)
        list += std::format("{}{} {}", list.empty() ? "" : ", ", sql_name(names[i]), members[i].sql());
      return list.empty() ? "JSON" : std::format("STRUCT({})", list);
    }
    case Kind::Null:
    case Kind::Mixed:
      break;
  }
  return "JSON";
}

std::optional<JsonShape> parse_json_structure(std::string_view structure) { return StructureParser(structure).whole(); }

}  // namespace llama::internal
