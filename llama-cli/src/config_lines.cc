#include "config_lines.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <format>
#include <optional>
#include <utility>

#include "llama-base/utf8.h"

namespace llama {
namespace {

// Each step is true where it went well; then `fault_` is empty.
class ConfigWalk {
 public:
  explicit ConfigWalk(std::string_view text) : text_(text) {}

  Result<ConfigLines> whole() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ += 3;
    while (!fault_) {
      skip_blank();
      if (at_ == text_.size()) return std::move(found_);
      setting();
    }
    return fail(ErrorCode::InvalidArgument, *fault_);
  }

 private:
  using Values = std::vector<std::string>;

  [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] bool is_at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  void step() {
    if (text_[at_++] == '\n') ++line_;
  }
  bool break_off(std::size_t line, std::string_view why) {
    fault_ = std::format("line {}: {}", line, why);
    return false;
  }

  void skip_spaces() {
    while (here() == ' ' || here() == '\t' || here() == '\r') step();
    if (here() == '#')
      while (!is_at_end() && here() != '\n') step();
  }
  void skip_blank() {
    for (skip_spaces(); here() == '\n'; skip_spaces()) step();
  }

  bool setting() {
    const std::size_t line = line_;
    if (here() == '[') return break_off(line, "a section; flags stand without one");
    std::string name;
    if (!key(name)) return false;
    skip_spaces();
    if (name.empty() || here() != '=') return break_off(line, "no NAME = VALUE");
    step();
    skip_spaces();
    const auto twice = std::ranges::find(found_, name, &ConfigLine::name);
    if (twice != found_.end()) return break_off(line, std::format("{} is in line {} already", name, twice->line));
    found_.push_back({.name = name, .line = line, .values = {}});
    if (!value(found_.back().values)) return false;
    skip_spaces();
    return is_at_end() || here() == '\n' || break_off(line_, std::format("something follows the value of {}", name));
  }

  bool key(std::string& name) {
    if (here() == '"' || here() == '\'') return string(name);
    const auto is_of_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    };
    for (; !is_at_end() && is_of_name(here()); step()) name += here();
    return true;
  }

  bool value(Values& values) {
    if (here() == '[') return array(values);
    std::string text;
    if (here() == '"' || here() == '\'') {
      if (!string(text)) return false;
    } else {
      for (; !is_at_end() && !std::string_view(" \t\r\n,]#").contains(here()); step()) text += here();
      if (text.empty()) return break_off(line_, std::format("no value of {}", found_.back().name));
    }
    values.push_back(std::move(text));
    return true;
  }

  bool string(std::string& text) {
    const std::size_t line = line_;
    const char quote = here();
    const bool is_long = rest().starts_with(std::string(3, quote));
    const std::string end(is_long ? 3 : 1, quote);
    for (std::size_t i = 0; i < end.size(); ++i) step();
    if (is_long && here() == '\r') step();  // the line's end right after the quotes is none of the text
    if (is_long && here() == '\n') step();
    while (!rest().starts_with(end)) {
      if (is_at_end() || (!is_long && here() == '\n')) return break_off(line, "a quote opens and never closes");
      if (quote == '"' && here() == '\\') {
        if (!escape(text, is_long)) return false;
      } else {
        text += here();
        step();
      }
    }
    for (int own = 0; is_long && own < 2 && rest().substr(end.size()).starts_with(quote); ++own) {
      text += quote;  // the last three end it
      step();
    }
    for (std::size_t i = 0; i < end.size(); ++i) step();
    return true;
  }

  bool escape(std::string& text, bool is_long) {
    constexpr std::string_view kLetters = "btnfr\"\\", kMeant = "\b\t\n\f\r\"\\";
    step();
    const char letter = here();
    if (letter == 'u' || letter == 'U') return code_point(text, letter == 'u' ? 4 : 8);
    if (is_long && std::string_view(" \t\r\n").contains(letter)) {  // the line goes on in the next one
      while (!is_at_end() && std::string_view(" \t\r\n").contains(here())) step();
      return true;
    }
    const std::size_t known = kLetters.find(letter);
    if (known == kLetters.npos)
      return break_off(line_, R"(between " and " a \ is written \\; between ' and ' it is itself)");
    text += kMeant[known];
    step();
    return true;
  }

  bool code_point(std::string& text, std::size_t digits) {
    const std::string_view number = text_.substr(at_ + 1, digits);
    std::uint32_t code = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), code, 16);
    const bool is_character = code < 0xd800 || (code >= 0xe000 && code < 0x110000);
    if (number.size() != digits || read.ec != std::errc() || read.ptr != number.data() + digits || !is_character)
      return break_off(line_, std::format("after \\{} come the {} hexadecimal digits of a character", here(), digits));
    char bytes[4];
    text.append(bytes, internal::encode(code, bytes));
    for (std::size_t i = 0; i <= digits; ++i) step();
    return true;
  }

  bool array(Values& values) {
    const std::size_t line = line_;
    step();
    for (;;) {
      skip_blank();
      if (here() == ']') break;
      if (is_at_end() || here() == ',') return break_off(line, "the array that begins here has no ]");
      if (!value(values)) return false;
      skip_blank();
      if (here() == ',') {
        step();
      } else if (here() != ']') {
        return break_off(line, "the array that begins here has no ]");
      }
    }
    step();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
  ConfigLines found_;
  std::optional<std::string> fault_;
};

}  // namespace

Result<ConfigLines> find_config_lines(std::string_view text) { return ConfigWalk(text).whole(); }

}  // namespace llama
