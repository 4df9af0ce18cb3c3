#include "config_lines.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <optional>

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
  [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] bool is_at_end() const { return at_ >= text_.size(); }
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
    const std::string name = key();
    skip_spaces();
    if (name.empty() || here() != '=') return break_off(line, "no NAME = VALUE");
    step();
    skip_spaces();
    const auto twice = std::ranges::find(found_, name, &ConfigLines::value_type::first);
    if (twice != found_.end()) return break_off(line, std::format("{} is in line {} already", name, twice->second));
    found_.emplace_back(name, line);
    if (!value()) return false;
    skip_spaces();
    return is_at_end() || here() == '\n' || break_off(line_, std::format("something follows the value of {}", name));
  }

  std::string key() {
    const std::size_t begin = at_;
    if (here() == '"' || here() == '\'') {
      if (!string()) return "";
      return std::string(text_.substr(begin + 1, at_ - begin - 2));
    }
    const auto is_of_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    };
    while (!is_at_end() && is_of_name(here())) step();
    return std::string(text_.substr(begin, at_ - begin));
  }

  bool value() {
    if (here() == '"' || here() == '\'') return string();
    if (here() == '[') return array();
    const std::size_t begin = at_;
    while (!is_at_end() && !std::string_view(" \t\r\n,]#").contains(here())) step();
    return at_ > begin || break_off(line_, std::format("no value of {}", found_.back().first));
  }

  bool string() {
    const std::size_t line = line_;
    const char quote = here();
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    const std::string end = is_long ? three : std::string(1, quote);
    for (std::size_t i = 0; i < end.size(); ++i) step();
    while (!text_.substr(at_).starts_with(end)) {
      if (is_at_end() || (!is_long && here() == '\n')) return break_off(line, "a quote opens and never closes");
      if (quote == '"' && here() == '\\' && at_ + 1 < text_.size()) step();
      step();
    }
    for (std::size_t i = 0; i < end.size(); ++i) step();
    return true;
  }

  bool array() {
    const std::size_t line = line_;
    step();
    for (;;) {
      skip_blank();
      if (here() == ']') break;
      if (is_at_end() || here() == ',') return break_off(line, "the array that begins here has no ]");
      if (!value()) return false;
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
