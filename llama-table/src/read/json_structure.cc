#include "read/json_structure.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <format>
#include <system_error>
#include <utility>

#include "llama-base/utf8.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxMembers = 500, kMaxShapeDepth = 200;

JsonShape of_kind(JsonShape::Kind kind) {
  JsonShape shape;
  shape.kind = kind;
  return shape;
}

// Of a structure, or of what it is the structure of.
class ShapeParser {
 public:
  ShapeParser(std::string_view text, bool is_structure) : text_(text), is_structure_(is_structure) {}

  std::optional<JsonShape> whole() {
    JsonShape shape = value(0);
    skip_space();
    if (is_bad_ || at_ != text_.size()) return std::nullopt;
    return shape;
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool take(char c) {
    skip_space();
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
    JsonShape shape = of_kind(JsonShape::Kind::Object);
    while (!is_bad_ && !take('}')) {
      take(',');
      std::string name = string();
      is_bad_ = is_bad_ || !take(':');
      if (is_bad_) break;
      // An object may have a name twice, and thousands of names.
      JsonShape one = of_kind(JsonShape::Kind::Object);
      JsonShape& owner = is_structure_ ? shape : one;
      owner.names.push_back(std::move(name));
      owner.members.push_back(value(depth + 1));
      if (!is_structure_) shape.merge(std::move(one));
    }
    return shape;
  }

  JsonShape array(std::size_t depth) {
    JsonShape shape = of_kind(JsonShape::Kind::Array);
    while (!is_bad_ && !take(']')) {
      take(',');
      JsonShape element = value(depth + 1);
      if (!shape.element) {
        shape.element = std::make_unique<JsonShape>(std::move(element));
      } else {
        shape.element->merge(std::move(element));
      }
    }
    return shape;
  }

  JsonShape named_type() {
    const std::string name = string();
    JsonShape shape = of_kind(name == "UBIGINT" || name == "BIGINT" ? JsonShape::Kind::Integer
                              : name == "DOUBLE"                    ? JsonShape::Kind::Number
                              : name == "BOOLEAN"                   ? JsonShape::Kind::Boolean
                              : name == "VARCHAR"                   ? JsonShape::Kind::Text
                              : name == "NULL"                      ? JsonShape::Kind::Null
                                                                    : JsonShape::Kind::Mixed);
    shape.has_negative = name == "BIGINT";
    return shape;
  }

  JsonShape scalar() {
    if (text_[at_] == '"') {
      string();
      return of_kind(JsonShape::Kind::Text);
    }
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "null") return of_kind(JsonShape::Kind::Null);
    if (word == "true" || word == "false") return of_kind(JsonShape::Kind::Boolean);
    JsonShape shape = of_kind(JsonShape::Kind::Integer);
    std::int64_t small = 0;
    std::uint64_t large = 0;
    const char* const end = word.data() + word.size();
    const auto is_whole = [&](auto& number) {
      const auto read = std::from_chars(word.data(), end, number);
      return read.ec == std::errc() && read.ptr == end;
    };
    if (is_whole(small)) {
      shape.has_negative = small < 0;
    } else if (is_whole(large)) {
      shape.has_large = true;
    } else {
      shape.kind = JsonShape::Kind::Number;
      is_bad_ = is_bad_ || word.empty();
    }
    return shape;
  }

  JsonShape value(std::size_t depth) {
    skip_space();
    is_bad_ = is_bad_ || depth > kMaxShapeDepth || at_ >= text_.size();
    if (is_bad_) return {};
    if (take('{')) return object(depth);
    if (take('[')) return array(depth);
    return is_structure_ ? named_type() : scalar();
  }

  std::string_view text_;
  bool is_structure_;
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
    if (members.size() > kMaxMembers) *this = of_kind(Kind::Mixed);
  } else if (kind == Kind::Array && other.kind == Kind::Array) {
    if (element && other.element) {
      element->merge(std::move(*other.element));
    } else if (other.element) {
      element = std::move(other.element);
    }
  } else if (kind != other.kind) {
    const auto is_number = [](Kind k) { return k == Kind::Integer || k == Kind::Number; };
    *this = of_kind(is_number(kind) && is_number(other.kind) ? Kind::Number : Kind::Mixed);
  } else {
    has_negative |= other.has_negative;
    has_large |= other.has_large;
  }
}

std::string JsonShape::sql() const {
  switch (kind) {
    case Kind::Integer:
      return !has_large ? "BIGINT" : has_negative ? "JSON" : "UBIGINT";
    case Kind::Number:
      return "DOUBLE";
    case Kind::Boolean:
      return "BOOLEAN";
    case Kind::Text:
      return "VARCHAR";
    case Kind::Array:
      return (element ? element->sql() : "JSON") + "[]";
    case Kind::Object: {
      if (has_twins(names)) break;
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

std::optional<JsonShape> parse_json_structure(std::string_view structure) {
  return ShapeParser(structure, true).whole();
}

std::optional<JsonShape> shape_of_json(std::string_view object) { return ShapeParser(object, false).whole(); }

std::string json_pointer(std::string_view key) {
  std::string path = "/";
  for (const char c : key) path += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return sql_string(path);
}

}  // namespace llama::internal
