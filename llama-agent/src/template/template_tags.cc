#include "template_tags.h"

#include <algorithm>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

constexpr int kMaxBracketDepth = 64;
constexpr int kMaxWords = 1'500;                  // of a tag: the parser calls itself for each operator
constexpr int kMaxWordLength = 200;               // bytes: a regular expression calls itself for each
constexpr std::string_view kOwnNames = "llama_";  // of what a template is prepared with

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

}  // namespace

std::string_view without_spaces_around(std::string_view text) {
  while (!text.empty() && is_template_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_template_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view first_template_word(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && is_template_word(text[n])) ++n;
  return text.substr(0, n);
}

std::optional<TemplateTag> next_tag(std::string_view source, std::size_t from) {
  for (std::size_t at = from; (at = source.find('{', at)) != std::string_view::npos; ++at) {
    if (at + 1 >= source.size()) return std::nullopt;
    const char kind = source[at + 1];
    if (kind != '%' && kind != '{' && kind != '#') continue;
    const std::string_view closer = kind == '%' ? "%}" : kind == '{' ? "}}" : "#}";
    TemplateTag tag{.begin = at, .end = end_of_tag(source, at, closer), .kind = kind};
    if (tag.end == std::string_view::npos) return tag;
    std::string_view body = source.substr(at + 2, tag.end - at - 4);
    if (!body.empty() && (body.front() == '-' || body.front() == '+')) {
      tag.strips_before = body.front() == '-';
      body.remove_prefix(1);
    }
    if (!body.empty() && body.back() == '-') {
      tag.strips_after = true;
      body.remove_suffix(1);
    }
    tag.body = without_spaces_around(body);
    return tag;
  }
  return std::nullopt;
}

std::string too_much_in(std::string_view body) {
  int depth = 0, deepest = 0, words = 0, length = 0, longest = 0;
  bool has_own_name = false, has_hash = false;
  outside_template_strings(body, [&](std::size_t i) {
    const char c = body[i];
    if (c == '(' || c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if (c == ')' || c == ']' || c == '}') --depth;
    has_hash = has_hash || c == '#';
    const bool goes_on = is_template_word(c) && i > 0 && is_template_word(body[i - 1]);
    if (!goes_on && !is_template_space(c)) ++words;
    length = goes_on ? length + 1 : 1;
    longest = std::max(longest, length);
    has_own_name = has_own_name || (!goes_on && body.substr(i).starts_with(kOwnNames));
  });
  if (deepest > kMaxBracketDepth) return std::format("nests brackets more than {} deep", kMaxBracketDepth);
  if (words > kMaxWords) return std::format("has a tag of more than {} words", kMaxWords);
  if (longest > kMaxWordLength) return std::format("has a word of more than {} characters", kMaxWordLength);
  if (has_own_name) return std::format("uses a name that begins with '{}'", kOwnNames);
  if (has_hash) return "has a '#' in a tag";
  return "";
}

std::vector<std::string> parameters_of(std::string_view body) {
  std::vector<std::string> names;
  const std::size_t open = body.find('(');
  if (open == std::string_view::npos) return names;
  bool expects_name = true;
  int depth = 0;
  outside_template_strings(body, [&](std::size_t i) {
    if (i <= open) return;
    const char c = body[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth == 0 && c == ',') {
      expects_name = true;
    } else if (expects_name && is_template_word(c)) {
      names.emplace_back(first_template_word(body.substr(i)));
      expects_name = false;
    }
  });
  return names;
}

std::vector<std::string> targets_of(std::string_view body) {
  std::vector<std::string> names;
  body.remove_prefix(first_template_word(body).size());
  for (;;) {
    body = without_spaces_around(body);
    std::string name(first_template_word(body));
    body = without_spaces_around(body.substr(name.size()));
    while (body.starts_with('.')) {  // minja allows white space around it
      body = without_spaces_around(body.substr(1));
      const std::string_view field = first_template_word(body);
      name.append(".").append(field);
      body = without_spaces_around(body.substr(field.size()));
    }
    if (!name.empty()) names.push_back(std::move(name));
    if (!body.starts_with(',')) return names;
    body.remove_prefix(1);
  }
}

}  // namespace llama::internal
