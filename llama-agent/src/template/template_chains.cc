#include "template_chains.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <vector>

#include "template_tags.h"

namespace llama::internal {
namespace {

// What ends an operand besides signs: of a sum, and of a chain of `~`.
constexpr std::array<std::string_view, 11> kBoundaryWords{"in",   "not", "and", "or",  "if",       "elif",
                                                          "else", "is",  "set", "for", "recursive"};
constexpr std::string_view kBoundaries = ",:=<>!";
constexpr char kInString = '\1';            // stands for each character of a string, its quotes included
constexpr std::ptrdiff_t kFreeCommas = 16;  // of a tag; published templates have 8 at most
constexpr std::size_t kMaxOperands = 8;     // of a call: all of them are held at once

struct CodeRange {
  std::size_t begin, end;
};
bool is_blank_range(CodeRange range) { return range.begin == range.end; }

class ChainWriter {
 public:
  explicit ChainWriter(std::string_view text) : text_(text), mask_(text), partner_(text.size()) {
    std::ranges::fill(mask_, kInString);
    outside_template_strings(text, [&](std::size_t i) { mask_[i] = text[i]; });
    is_held_ = std::ranges::count(mask_, ',') > kFreeCommas;
    is_macro_ = first_template_word(text) == "macro";
  }

  std::string write() {
    if (!find_partners()) return std::string(text_);
    return first_template_word(text_) == "for" ? loop() : level({0, text_.size()});
  }

 private:
  bool find_partners();
  [[nodiscard]] bool opens(std::size_t i) const { return partner_[i] > i; }
  [[nodiscard]] CodeRange next_word(CodeRange range, std::string_view word) const;
  [[nodiscard]] std::vector<CodeRange> split_at(CodeRange range, char mark) const;
  [[nodiscard]] CodeRange trimmed(CodeRange range) const;
  [[nodiscard]] bool is_literal(CodeRange range) const;
  std::string loop();
  std::string level(CodeRange range);
  std::string chain(CodeRange range);
  std::string sum(CodeRange range);
  std::string plain(CodeRange range);
  std::string elements_of(CodeRange range, char bracket);
  std::string held(CodeRange range);
  std::string around(CodeRange range, const std::string& inner) const;

  std::string_view text_;
  std::string mask_;
  std::vector<std::size_t> partner_;  // of a bracket; else its own place
  bool is_held_ = false, is_macro_ = false;
  int depth_ = 0;
};

bool ChainWriter::find_partners() {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < mask_.size(); ++i) {
    partner_[i] = i;
    const char c = mask_[i];
    if (c == '(' || c == '[' || c == '{') open.push_back(i);
    if (c != ')' && c != ']' && c != '}') continue;
    if (open.empty() || mask_[open.back()] != (c == ')' ? '(' : c == ']' ? '[' : '{')) return false;
    partner_[i] = open.back();
    partner_[open.back()] = i;
    open.pop_back();
  }
  return open.empty();
}

// Outside of brackets; empty at the end where there is none.
CodeRange ChainWriter::next_word(CodeRange range, std::string_view word) const {
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (opens(i)) {
      i = partner_[i];
    } else if (is_template_word(mask_[i])) {
      const std::size_t size = first_template_word(std::string_view(mask_).substr(i, range.end - i)).size();
      if (mask_.compare(i, size, word) == 0) return {i, i + size};
      i += size - 1;
    }
  }
  return {range.end, range.end};
}

std::vector<CodeRange> ChainWriter::split_at(CodeRange range, char mark) const {
  std::vector<CodeRange> parts;
  std::size_t from = range.begin;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (opens(i)) {
      i = partner_[i];
    } else if (mask_[i] == mark) {
      parts.push_back({from, i});
      from = i + 1;
    }
  }
  parts.push_back({from, range.end});
  return parts;
}

CodeRange ChainWriter::trimmed(CodeRange range) const {
  while (range.begin < range.end && is_template_space(mask_[range.begin])) ++range.begin;
  while (range.begin < range.end && is_template_space(mask_[range.end - 1])) --range.end;
  return range;
}

bool ChainWriter::is_literal(CodeRange range) const {
  return std::all_of(
      mask_.begin() + static_cast<std::ptrdiff_t>(range.begin), mask_.begin() + static_cast<std::ptrdiff_t>(range.end),
      [](char c) { return c == kInString || (c >= '0' && c <= '9') || c == '.' || c == '-' || is_template_space(c); });
}

// What was made of a range without the white space around it, with that.
std::string ChainWriter::around(CodeRange range, const std::string& inner) const {
  const CodeRange core = trimmed(range);
  return std::string(text_.substr(range.begin, core.begin - range.begin)) + inner +
         std::string(text_.substr(core.end, range.end - core.end));
}

// `for x in ITERABLE if CONDITION`.
std::string ChainWriter::loop() {
  const CodeRange all{0, text_.size()};
  const std::size_t begin = next_word(all, "in").end;
  const CodeRange condition = next_word({begin, all.end}, "if");
  const CodeRange over{begin, std::min(condition.begin, next_word({begin, all.end}, "recursive").begin)};
  if (trimmed(over).begin == over.end) return level(all);
  const bool has_condition = condition.begin != condition.end;
  return std::string(text_.substr(0, begin)) +
         around(over, std::format("llama_{}({})", has_condition ? "filtered" : "each", level(trimmed(over)))) +
         level({over.end, all.end});
}

std::string ChainWriter::level(CodeRange range) {
  std::string done;
  std::size_t from = range.begin;
  const auto end_chain = [&](std::size_t at, std::size_t next) {
    done += chain({from, at});
    done += text_.substr(at, next - at);
    from = next;
  };
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (opens(i)) {
      i = partner_[i];
    } else if (kBoundaries.contains(mask_[i])) {
      end_chain(i, i + 1);
    } else if (is_template_word(mask_[i])) {
      const auto word = first_template_word(std::string_view(mask_).substr(i, range.end - i));
      const bool is_field = i > range.begin && mask_[i - 1] == '.';
      if (!is_field && std::ranges::contains(kBoundaryWords, word)) end_chain(i, i + word.size());
      i += word.size() - 1;
    }
  }
  return done + chain({from, range.end});
}

// Words of a call, so many of them at a time: the first of the next call is what the one before has made.
std::string called(std::string_view name, const std::vector<std::string>& words, std::size_t step) {
  std::string all = words.front();
  for (std::size_t i = 1; i < words.size();) {
    const std::size_t end = std::min(words.size(), i + (kMaxOperands - 1) * step);
    all = std::format("{}({}", name, all);
    for (; i < end; ++i) all += ", " + words[i];
    all += ')';
  }
  return all;
}

std::string ChainWriter::chain(CodeRange range) {
  auto parts = split_at(range, '~');
  if (parts.size() == 1) return sum(range);
  for (CodeRange& part : parts) part = trimmed(part);
  if (std::ranges::any_of(parts, is_blank_range)) return plain(range);
  std::vector<std::string> words;
  for (const CodeRange part : parts) words.push_back(sum(part));
  return around(range, called("llama_joined", words, 1));
}

std::string ChainWriter::sum(CodeRange range) {
  std::vector<CodeRange> operands;
  std::string signs;
  std::size_t from = range.begin;
  bool has_operand = false;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const char c = mask_[i];
    if (has_operand && (c == '+' || c == '-')) {
      operands.push_back(trimmed({from, i}));
      signs += c;
      from = i + 1;
      has_operand = false;
    } else if (!is_template_space(c)) {
      has_operand = c != '+' && c != '-' && c != '|';
      if (opens(i)) i = partner_[i];
    }
  }
  operands.push_back(trimmed({from, range.end}));
  if (signs.empty() || std::ranges::any_of(operands, is_blank_range)) return plain(range);
  std::vector<std::string> words{plain(operands.front())};
  for (std::size_t i = 0; i < signs.size(); ++i) {
    words.push_back(std::format("\"{}\"", signs[i]));
    words.push_back(plain(operands[i + 1]));
  }
  return around(range, called("llama_sum", words, 2));
}

// No operator outside of brackets.
std::string ChainWriter::plain(CodeRange range) {
  std::string done;
  std::size_t from = range.begin;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (!opens(i)) continue;
    done += text_.substr(from, i + 1 - from);
    ++depth_;
    done += elements_of({i + 1, partner_[i]}, mask_[i]);
    --depth_;
    from = i = partner_[i];
  }
  return done + std::string(text_.substr(from, range.end - from));
}

std::string ChainWriter::elements_of(CodeRange range, char bracket) {
  if (!is_held_) return level(range);
  std::string done;
  for (const CodeRange element : split_at(range, ',')) {
    if (element.begin != range.begin) done += ',';
    std::size_t value = element.begin;
    const std::size_t name = trimmed(element).begin;
    const std::size_t sign =
        trimmed({name + first_template_word(std::string_view(mask_).substr(name)).size(), element.end}).begin;
    const bool is_named = sign > name && sign < element.end && mask_[sign] == '=' && mask_[sign + 1] != '=';
    if (is_named) value = sign + 1;
    if (bracket == '{') value = std::min(element.end, split_at(element, ':').front().end + 1);
    const bool is_parameter = is_macro_ && depth_ == 1 && !is_named;
    done += is_parameter ? std::string(text_.substr(element.begin, element.end - element.begin))
                         : level({element.begin, value}) + held({value, element.end});
  }
  return done;
}

std::string ChainWriter::held(CodeRange range) {
  const CodeRange core = trimmed(range);
  if (is_literal(core)) return level(range);
  return around(range, std::format("llama_held({})", level(core)));
}

}  // namespace

std::string with_bounded_chains(std::string_view body) { return ChainWriter(body).write(); }

}  // namespace llama::internal
