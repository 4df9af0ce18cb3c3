#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <utility>
#include <vector>

#include "jinja.h"
#include "template_methods.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxSource = std::size_t{256} * 1024;  // bytes
constexpr int kMaxBlockDepth = 64;
constexpr int kMaxBracketDepth = 64;
constexpr int kMaxWords = 1'500;  // of a tag: the parser calls itself for each operator

std::unexpected<Error> refuse_template(std::string message) {
  return fail(ErrorCode::InvalidModel, "the chat template " + std::move(message));
}

// A tag of a template, from its opening to its closing brace.
struct Tag {
  std::size_t begin = 0, end = 0;
  char kind = ' ';          // '%' a statement, '{' an expression, '#' a comment
  std::string_view body{};  // without braces and dashes
  bool strips_after = false, strips_before = false;
};

// The end of a tag that begins at `at`, strings in it skipped.
std::size_t end_of_tag(std::string_view source, std::size_t at, std::string_view closer) {
  if (closer == "#}") {
    const std::size_t end = source.find(closer, at + 2);
    return end == std::string_view::npos ? end : end + 2;
  }
  char quote = 0;
  int braces = 0;
  for (std::size_t i = at + 2; i < source.size(); ++i) {
    const char c = source[i];
    if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (braces <= 0 && source.substr(i).starts_with(closer)) {
      return i + 2;
    } else if (c == '{') {
      ++braces;
    } else if (c == '}') {
      --braces;
    }
  }
  return std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::optional<Tag> next_tag(std::string_view source, std::size_t from) {
  for (std::size_t at = from; (at = source.find('{', at)) != std::string_view::npos; ++at) {
    if (at + 1 >= source.size()) return std::nullopt;
    const char kind = source[at + 1];
    if (kind != '%' && kind != '{' && kind != '#') continue;
    const std::string_view closer = kind == '%' ? "%}" : kind == '{' ? "}}" : "#}";
    const std::size_t end = end_of_tag(source, at, closer);
    if (end == std::string_view::npos) return std::nullopt;  // the parser will say so
    Tag tag{.begin = at, .end = end, .kind = kind};
    std::string_view body = source.substr(at + 2, end - at - 4);
    if (!body.empty() && (body.front() == '-' || body.front() == '+')) {
      tag.strips_before = body.front() == '-';
      body.remove_prefix(1);
    }
    if (!body.empty() && body.back() == '-') {
      tag.strips_after = true;
      body.remove_suffix(1);
    }
    tag.body = trimmed(body);
    return tag;
  }
  return std::nullopt;
}

std::string_view first_word(std::string_view body) {
  std::size_t n = 0;
  while (n < body.size() && (std::isalnum(static_cast<unsigned char>(body[n])) != 0 || body[n] == '_')) ++n;
  return body.substr(0, n);
}

bool brackets_too_deep(std::string_view body) {
  int depth = 0, deepest = 0;
  for (const char c : body) {
    if (c == '(' || c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if (c == ')' || c == ']' || c == '}') --depth;
  }
  return deepest > kMaxBracketDepth;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Calls `on_char` for every character outside of strings.
template <class F>
void outside_strings(std::string_view body, F&& on_char) {
  char quote = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote == 0) {
      on_char(i);
    } else if (c == '\\') {
      ++i;
    } else if (c == quote) {
      quote = 0;
    }
  }
}

int words_in(std::string_view body) {
  int words = 0;
  outside_strings(body, [&](std::size_t i) {
    const bool goes_on = is_word(body[i]) && i > 0 && is_word(body[i - 1]);
    if (!goes_on && std::isspace(static_cast<unsigned char>(body[i])) == 0) ++words;
  });
  return words;
}

// The names that a macro's tag gives to its arguments: "macro f(a, b='x')" has a and b.
std::vector<std::string> parameters_of(std::string_view body) {
  std::vector<std::string> names;
  const std::size_t open = body.find('(');
  if (open == std::string_view::npos) return names;
  bool expects_name = true;
  int depth = 0;
  outside_strings(body, [&](std::size_t i) {
    if (i <= open) return;
    const char c = body[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth == 0 && c == ',') {
      expects_name = true;
    } else if (expects_name && is_word(c)) {
      names.emplace_back(first_word(body.substr(i)));
      expects_name = false;
    }
  });
  return names;
}

// What "set x = …" or "set ns.x = …" changes.
std::string_view target_of(std::string_view body) {
  body = trimmed(body.substr(std::string_view("set").size()));
  std::size_t n = 0;
  while (n < body.size() && (is_word(body[n]) || body[n] == '.')) ++n;
  return body.substr(0, n);
}

std::string with_known_tests(std::string text) {
  static const std::array<std::pair<std::regex, std::string>, 4> kSpellings{{
      {std::regex(R"(\bis\s+not\s+undefined\b)"), "is defined"},
      {std::regex(R"(\bis\s+undefined\b)"), "is not defined"},
      {std::regex(R"(\bis\s+not\s+in\b)"), "not in"},
      {std::regex(R"(\bis\s+in\b)"), "in"},
  }};
  for (const auto& [pattern, spelling] : kSpellings) text = std::regex_replace(text, pattern, spelling);
  return text;
}

Result<std::string> in_minjas_words(std::string_view tag) {
  auto known = with_known_calls(std::string(tag));
  if (!known) return known;
  const std::string& text = *known;
  // Tests are words; what stands in quotes is not touched.
  std::string done, words;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0) {
      if (c == '"' || c == '\'') {
        done += with_known_tests(std::exchange(words, {}));
        quote = c;
        done += c;
      } else {
        words += c;
      }
      continue;
    }
    done += c;
    if (c == '\\' && i + 1 < text.size()) {
      done += text[++i];
    } else if (c == quote) {
      quote = 0;
    }
  }
  return done + with_known_tests(words);
}

// Statements that count: `{% set llama_stepped = llama_step() %}`, with the white space of the tag that they follow.
std::string counting(std::string_view call, bool strips_before, bool strips_after) {
  return std::format("{{%{} set llama_stepped = {} {}%}}", strips_before ? "-" : "", call, strips_after ? "-" : "");
}

// The text before a tag. minja drops the indentation of a line that begins with an expression, which Jinja does for
// statements only: there it becomes an expression itself.
std::string text_before(std::string_view text, const Tag& tag, bool is_first, bool stripped) {
  const std::size_t end = text.find_last_not_of(" \t") + 1;  // 0 where there is nothing else
  const bool begins_line = end > 0 ? text[end - 1] == '\n' : is_first;
  const bool is_blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (tag.kind != '{' || tag.strips_before || !begins_line || end == text.size() || (stripped && is_blank)) {
    return std::string(text);
  }
  const nlohmann::json indentation = std::string(text.substr(end));
  return std::format("{}{{{{ {} }}}}", text.substr(0, end), indentation.dump());
}

}  // namespace

Result<std::string> prepare_template(std::string_view source) {
  if (source.size() > kMaxSource) {
    return refuse_template(std::format("has {} bytes, at most {} are read", source.size(), kMaxSource));
  }
  if (source.contains('\0')) return refuse_template("contains a NUL character");
  std::string prepared;
  std::size_t at = 0;
  int depth = 0;
  std::vector<std::string> captured;  // names whose `{% set x %}` is open
  bool stripped = false;              // the white space behind the last tag
  while (const auto tag = next_tag(source, at)) {
    prepared += text_before(source.substr(at, tag->begin - at), *tag, at == 0, stripped);
    stripped = tag->strips_after;
    at = tag->end;
    const std::string_view whole = source.substr(tag->begin, tag->end - tag->begin);
    if (tag->kind == '#') {
      prepared += whole;
      continue;
    }
    if (brackets_too_deep(tag->body))
      return refuse_template(std::format("nests brackets more than {} deep", kMaxBracketDepth));
    if (words_in(tag->body) > kMaxWords)
      return refuse_template(std::format("has a tag of more than {} words", kMaxWords));
    const std::string_view word = tag->kind == '%' ? first_word(tag->body) : std::string_view();
    if (word == "raw") {
      // minja has no raw blocks: their text becomes a string.
      const std::size_t end = source.find("endraw", at);
      const std::size_t open = end == std::string_view::npos ? end : source.rfind("{%", end);
      const std::size_t close = end == std::string_view::npos ? end : source.find("%}", end);
      if (close == std::string_view::npos || open < at) return refuse_template("has a raw block without an end");
      nlohmann::json text = std::string(source.substr(at, open - at));
      prepared += "{{ " + text.dump() + " }}";
      at = close + 2;
      continue;
    }
    if (word == "for" || word == "if" || word == "macro" || word == "call" || word == "filter" ||
        word == "generation") {
      if (++depth > kMaxBlockDepth)
        return refuse_template(std::format("nests blocks more than {} deep", kMaxBlockDepth));
    } else if (word.starts_with("end")) {
      --depth;
    }
    if (word == "for" && trimmed(tag->body).ends_with("recursive"))
      return refuse_template("has a loop that calls itself");
    if (word == "endmacro") prepared += counting("llama_leave()", tag->strips_before, false);
    const auto words = in_minjas_words(whole);
    if (!words) return words;
    prepared += *words;
    if (word == "for") prepared += counting("llama_step()", false, tag->strips_after);
    if (word == "macro") prepared += counting("llama_enter()", false, tag->strips_after);
    for (const auto& name : word == "macro" ? parameters_of(tag->body) : std::vector<std::string>()) {
      prepared += counting(std::format("llama_bounded({})", name), false, tag->strips_after);
    }
    if (word == "set") {
      const std::string_view target = target_of(tag->body);
      if (!tag->body.contains('=')) {
        captured.emplace_back(target);
      } else if (!target.empty() && trimmed(tag->body).find(',') > tag->body.find('=')) {
        prepared += counting(std::format("llama_bounded({})", target), false, tag->strips_after);
      }
    }
    if (word == "endset" && !captured.empty()) {
      prepared += counting(std::format("llama_bounded({})", captured.back()), false, tag->strips_after);
      captured.pop_back();
    }
  }
  prepared += source.substr(at);
  return prepared;
}

}  // namespace llama::internal
