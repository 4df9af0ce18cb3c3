#include "template_methods.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <string_view>
#include <vector>

#include "template_chains.h"

namespace llama::internal {
namespace {

// Methods of strings, lists and dicts that minja lacks, or has without a bound.
constexpr std::array<std::string_view, 12> kMethods{"split",  "rsplit",       "format",       "find",
                                                    "values", "update",       "count",        "replace",
                                                    "append", "removeprefix", "removesuffix", "insert"};
// What stands before a parenthesis and is no function.
constexpr std::array<std::string_view, 10> kKeywords{"in",   "not",  "and", "or",  "if",
                                                     "elif", "else", "is",  "set", "for"};
constexpr std::string_view kSlice = "(llama_slice(";
// Of a tag: each may stand in the next one, and the parser calls itself for each.
constexpr int kMaxProducts = 64, kMaxCalls = 200;

bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// A text, and the same with the characters of its string literals as letters: nothing in them is mistaken for code.
struct Code {
  std::string text, mask;
  int calls = 0;  // that were put in

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
    const std::string opening = std::format("(llama_{}(", name);
    for (std::size_t at = 0; (at = code.mask.find(name, at)) != std::string::npos; at += name.size()) {
      // minja allows white space around the name.
      const std::size_t dot = code.before_spaces(at);
      const std::size_t open = code.after_spaces(at + name.size());
      const bool is_method = dot > 0 && code.mask[dot - 1] == '.' && open < code.mask.size() && code.mask[open] == '(';
      if (!is_method) continue;
      const std::size_t close = code.closing(open);
      if (close == std::string::npos) return;  // the parser will say so
      const std::size_t end = code.before_spaces(dot - 1);
      const bool has_arguments = code.after_spaces(open + 1) < close;
      code.replace(close, 1, "))");
      code.replace(end, open + 1 - end, has_arguments ? ", " : "");
      code.replace(code.operand_begin(end), 0, opening);
      at = end + opening.size() - name.size();
      ++code.calls;
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

// `x[a:b]` becomes `(llama_slice(x, a, b))`: minja reads behind the end of a text. False where there is no colon.
bool replace_slice(Code& code, std::size_t begin, std::size_t open, std::size_t close) {
  std::vector<std::size_t> cuts{open};
  int depth = 0;
  for (std::size_t i = open + 1; i < close; ++i) {
    const char c = code.mask[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth == 0 && c == ':') cuts.push_back(i);
  }
  if (cuts.size() == 1 || cuts.size() > 3) return false;
  cuts.push_back(close);
  for (std::size_t i = cuts.size() - 1; i > 0; --i) {
    const bool is_empty = code.after_spaces(cuts[i - 1] + 1) == cuts[i];
    code.replace(cuts[i], 1, std::string(is_empty ? "None" : "") + (cuts[i] == close ? "))" : ", "));
  }
  code.replace(open, 1, ", ");
  code.replace(begin, 0, kSlice);
  ++code.calls;
  return true;
}

// `x[0]` becomes `(llama_at(x, 0))`: x may be a text, which minja does not index.
void replace_elements(Code& code) {
  for (std::size_t at = 0; (at = code.mask.find('[', at)) != std::string::npos; ++at) {
    const std::size_t close = code.closing(at);
    if (close == std::string::npos) return;
    const std::size_t end = code.before_spaces(at);
    const std::size_t begin = code.operand_begin(end);
    const auto before = std::string_view(code.mask).substr(begin, end - begin);
    if (before.empty() || std::ranges::contains(kKeywords, before)) continue;
    auto index = std::string_view(code.mask).substr(at + 1, close - at - 1);
    if (index.starts_with('-')) index.remove_prefix(1);
    const bool is_number =
        !index.empty() && index.size() < 10 && std::ranges::all_of(index, [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) {
      ++code.calls;
      code.replace(close, 1, "))");
      code.replace(at, 1, ", ");
      code.replace(begin, 0, "(llama_at(");
      at = close + 10;
    } else if (replace_slice(code, begin, at, close)) {
      at += kSlice.size();  // what stands between the colons may have elements, too
    }
  }
}

// A sign before a number or a name, and no operator between two.
bool is_sign(const Code& code, std::size_t at) {
  if (code.mask[at] != '-' && code.mask[at] != '+') return false;
  const std::size_t end = code.before_spaces(at);
  if (end == 0) return true;
  const std::size_t begin = code.operand_begin(end);
  const auto before = std::string_view(code.mask).substr(begin, end - begin);
  return (before.empty() && code.mask[end - 1] != '}') || std::ranges::contains(kKeywords, before);
}

// Where an operand with its filters and its sign begins: `-x | length` binds more strongly than a product.
std::size_t factor_begin(const Code& code, std::size_t end) {
  std::size_t begin = code.operand_begin(end);
  for (;;) {
    const std::size_t bar = code.before_spaces(begin);
    if (begin == end || bar == 0 || code.mask[bar - 1] != '|') break;
    end = code.before_spaces(bar - 1);
    begin = code.operand_begin(end);
  }
  const std::size_t sign = code.before_spaces(begin);
  return begin != end && sign > 0 && is_sign(code, sign - 1) ? sign - 1 : begin;
}

std::size_t factor_end(const Code& code, std::size_t at) {
  const std::size_t first = at < code.mask.size() && is_sign(code, at) ? code.after_spaces(at + 1) : at;
  std::size_t end = code.operand_end(first);
  if (end == first) return at;
  for (;;) {
    const std::size_t bar = code.after_spaces(end);
    if (bar >= code.mask.size() || code.mask[bar] != '|') return end;
    const std::size_t filter = code.after_spaces(bar + 1);
    end = code.operand_end(filter);
    if (end == filter) return at;
  }
}

// Products and quotients become calls, from the left: minja ends the program where it divides by 0.
Result<void> replace_products(Code& code) {
  const auto refuse = [](std::string_view how) {
    return fail(ErrorCode::InvalidModel, std::format("the chat template multiplies or divides {}", how));
  };
  int products = 0;
  for (std::size_t at = 0; (at = code.mask.find_first_of("*/%", at)) != std::string::npos;) {
    if (++products > kMaxProducts) return refuse(std::format("more than {} times in a tag", kMaxProducts));
    const bool is_whole = code.mask.substr(at, 2) == "//";
    const std::string_view name = code.mask[at] == '*'   ? "llama_times("
                                  : code.mask[at] == '%' ? "llama_remainder("
                                  : is_whole             ? "llama_quotient("
                                                         : "llama_divide(";
    const std::size_t left_end = code.before_spaces(at);
    const std::size_t left = factor_begin(code, left_end);
    const std::size_t right = code.after_spaces(at + (is_whole ? 2 : 1));
    const std::size_t right_end = factor_end(code, right);
    const auto operand = std::string_view(code.mask).substr(left, left_end - left);
    if (operand.empty() || right == right_end || std::ranges::contains(kKeywords, operand)) {
      return refuse("in a way that is not supported");
    }
    code.replace(right_end, 0, ")");
    code.replace(left_end, right - left_end, ", ");
    code.replace(left, 0, name);
    at = left_end + name.size() + 2;  // the right side may have products in parentheses
  }
  return {};
}

}  // namespace

Result<std::string> with_known_calls(std::string body) {
  Code code(std::move(body));
  replace_methods(code);
  if (auto done = replace_products(code); !done) return std::unexpected(done.error());
  wrap_calls(code);
  replace_elements(code);
  if (code.calls > kMaxCalls) {
    return fail(ErrorCode::InvalidModel,
                std::format("the chat template has a tag of more than {} methods and elements", kMaxCalls));
  }
  return with_bounded_chains(code.text);
}

}  // namespace llama::internal
