#include "template_methods.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <string_view>

namespace llama::internal {
namespace {

// Methods of strings, lists and dicts that minja lacks, or has without a bound.
constexpr std::array<std::string_view, 10> kMethods{"split",  "rsplit", "format",  "find",         "values",
                                                    "update", "count",  "replace", "removeprefix", "removesuffix"};
// What stands before a parenthesis and is no function.
constexpr std::array<std::string_view, 10> kKeywords{"in",   "not",  "and", "or",  "if",
                                                     "elif", "else", "is",  "set", "for"};

bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// A text, and the same with the characters of its string literals as letters: nothing in them is mistaken for code.
struct Code {
  std::string text, mask;

  explicit Code(std::string source) : text(std::move(source)), mask(text) {
    char quote = 0;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const char c = text[i];
      if (quote == 0 && c != '"' && c != '\'') continue;
      mask[i] = 'a';
      if (quote == 0) {
        quote = c;
      } else if (c == '\\' && i + 1 < mask.size()) {
        mask[++i] = 'a';
      } else if (c == quote) {
        quote = 0;
      }
    }
  }
  void replace(std::size_t at, std::size_t length, std::string_view code) {
    text.replace(at, length, code);
    mask.replace(at, length, code);
  }

  // Of the bracket at `open`; npos where it has none.
  [[nodiscard]] std::size_t closing(std::size_t open) const {
    int depth = 0;
    for (std::size_t i = open; i < mask.size(); ++i) {
      if (mask[i] == '(' || mask[i] == '[') ++depth;
      if ((mask[i] == ')' || mask[i] == ']') && --depth == 0) return i;
    }
    return std::string::npos;
  }
  [[nodiscard]] std::size_t opening(std::size_t close) const {
    int depth = 0;
    for (std::size_t i = close + 1; i-- > 0;) {
      if (mask[i] == ')' || mask[i] == ']') ++depth;
      if ((mask[i] == '(' || mask[i] == '[') && --depth == 0) return i;
    }
    return std::string::npos;
  }
  // Where the operand that ends before `end` begins: a name, a literal, a call, an element, and what hangs on them.
  [[nodiscard]] std::size_t operand_begin(std::size_t end) const {
    while (end > 0) {
      const char c = mask[end - 1];
      if (is_name_part(c) || c == '.') {
        --end;
      } else if (c == ')' || c == ']') {
        const std::size_t open = opening(end - 1);
        if (open == std::string::npos) return end;
        end = open;
      } else {
        break;
      }
    }
    return end;
  }
  [[nodiscard]] std::size_t operand_end(std::size_t at) const {
    while (at < mask.size()) {
      const char c = mask[at];
      if (is_name_part(c) || c == '.') {
        ++at;
      } else if (c == '(' || c == '[') {
        const std::size_t close = closing(at);
        if (close == std::string::npos) return at;
        at = close + 1;
      } else {
        break;
      }
    }
    return at;
  }
  [[nodiscard]] std::size_t after_spaces(std::size_t at) const {
    while (at < mask.size() && is_space(mask[at])) ++at;
    return at;
  }
  [[nodiscard]] std::size_t before_spaces(std::size_t end) const {
    while (end > 0 && is_space(mask[end - 1])) --end;
    return end;
  }
};

void replace_methods(Code& code) {
  for (const auto name : kMethods) {
    const std::string call = std::format(".{}(", name);
    for (std::size_t at = 0; (at = code.mask.find(call, at)) != std::string::npos;) {
      const std::size_t close = code.closing(at + call.size() - 1);
      if (close == std::string::npos) return;  // the parser will say so
      const std::size_t begin = code.operand_begin(at);
      const bool has_arguments = code.after_spaces(at + call.size()) < close;
      code.replace(close, 1, "))");
      code.replace(at, call.size(), has_arguments ? ", " : "");
      const std::string opening = std::format("(llama_{}(", name);
      code.replace(begin, 0, opening);
      at += opening.size();
    }
  }
}

// `f(x).y` and `f(x)[0]` become `(f(x)).y` and `(f(x))[0]`.
void wrap_calls(Code& code) {
  for (std::size_t at = 0; (at = code.mask.find(')', at)) != std::string::npos; ++at) {
    const std::size_t next = code.after_spaces(at + 1);
    if (next >= code.mask.size() || (code.mask[next] != '.' && code.mask[next] != '[')) continue;
    const std::size_t open = code.opening(at);
    if (open == std::string::npos || open == 0) continue;
    std::size_t begin = open;
    while (begin > 0 && is_name_part(code.mask[begin - 1])) --begin;
    const auto name = std::string_view(code.mask).substr(begin, open - begin);
    if (name.empty() || std::ranges::contains(kKeywords, name)) continue;
    if (begin > 0 && code.mask[begin - 1] == '.') continue;  // a method: minja goes on behind those
    code.replace(at, 1, "))");
    code.replace(begin, 0, "(");
    at += 2;
  }
}

// `x[0]` becomes `(llama_at(x, 0))`: x may be a text, which minja does not index.
void replace_elements(Code& code) {
  for (std::size_t at = 0; (at = code.mask.find('[', at)) != std::string::npos; ++at) {
    const std::size_t close = code.closing(at);
    if (close == std::string::npos) return;
    auto index = std::string_view(code.mask).substr(at + 1, close - at - 1);
    if (index.starts_with('-')) index.remove_prefix(1);
    const bool is_number =
        !index.empty() && index.size() < 10 && std::ranges::all_of(index, [](char c) { return c >= '0' && c <= '9'; });
    const std::size_t begin = code.operand_begin(at);
    const auto before = std::string_view(code.mask).substr(begin, at - begin);
    if (!is_number || before.empty() || std::ranges::contains(kKeywords, before)) continue;
    code.replace(close, 1, "))");
    code.replace(at, 1, ", ");
    code.replace(begin, 0, "(llama_at(");
    at = close + 10;
  }
}

Result<void> replace_products(Code& code) {
  const auto refuse = [] {
    return fail(ErrorCode::InvalidModel, "the chat template multiplies in a way that is not supported");
  };
  for (std::size_t at = 0; (at = code.mask.find('*', at)) != std::string::npos;) {
    const std::size_t left_end = code.before_spaces(at);
    const std::size_t left = code.operand_begin(left_end);
    const std::size_t right = code.after_spaces(at + 1);
    const std::size_t right_end = code.operand_end(right);
    if (left == left_end || right == right_end) return refuse();
    // What binds as strongly, or more.
    const std::size_t before = code.before_spaces(left);
    const std::size_t after = code.after_spaces(right_end);
    if (before > 0 && std::string_view("/%|*").contains(code.mask[before - 1]) && before > 2) return refuse();
    if (after < code.mask.size() && code.mask[after] == '|') return refuse();
    const std::string product = "llama_times(" + code.text.substr(left, left_end - left) + ", " +
                                code.text.substr(right, right_end - right) + ")";
    const std::string mask = "llama_times(" + code.mask.substr(left, left_end - left) + ", " +
                             code.mask.substr(right, right_end - right) + ")";
    code.text.replace(left, right_end - left, product);
    code.mask.replace(left, right_end - left, mask);
    at = left + product.size();
  }
  return {};
}

}  // namespace

Result<std::string> with_known_calls(std::string tag) {
  Code code(std::move(tag));
  replace_methods(code);
  if (auto done = replace_products(code); !done) return std::unexpected(done.error());
  wrap_calls(code);
  replace_elements(code);
  return std::move(code.text);
}

}  // namespace llama::internal
