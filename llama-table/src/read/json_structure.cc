#include "read/json_structure.h"

#include <array>
#include <charconv>
#include <format>

#include "llama-base/utf8.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

// An object whose keys are data, not names.
constexpr std::size_t kMaxMembers = 500;

using Members = std::vector<std::pair<std::string, std::string>>;

class StructureParser {
 public:
  explicit StructureParser(std::string_view text) : text_(text) {}

  std::optional<Members> object() {
    if (!take('{')) return std::nullopt;
    Members members;
    while (!take('}')) {
      if (at_ >= text_.size()) return std::nullopt;
      take(',');
      std::string name = string();
      if (!take(':')) return std::nullopt;
      members.emplace_back(std::move(name), type());
    }
    return members;
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
    if (!take('"')) return out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        add_escape(out);
      } else {
        out += text_[at_++];
      }
    }
    take('"');
    return out;
  }

  std::string type() {
    if (at_ < text_.size() && text_[at_] == '{') {
      const std::optional<Members> members = object();
      if (!members || members->empty() || members->size() > kMaxMembers) return "JSON";
      std::string list;
      for (const auto& [name, sql] : *members)
        list += std::format("{}{} {}", list.empty() ? "" : ", ", sql_name(name), sql);
      return std::format("STRUCT({})", list);
    }
    if (take('[')) {
      if (take(']')) return "JSON[]";
      const std::string element = type();
      take(']');
      return element + "[]";
    }
    const std::string name = string();
    if (name == "UBIGINT" || name == "BIGINT") return "BIGINT";
    if (name == "DOUBLE" || name == "BOOLEAN" || name == "VARCHAR" || name == "HUGEINT") return name;
    return "JSON";
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> json_columns(std::string_view structure) {
  return StructureParser(structure).object();
}

}  // namespace llama::internal
