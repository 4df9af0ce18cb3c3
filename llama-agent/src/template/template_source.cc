#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <regex>
#include <utility>
#include <vector>

#include "jinja.h"
#include "template_methods.h"
#include "template_tags.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxSource = std::size_t{256} * 1024;  // bytes
constexpr int kMaxBlockDepth = 64;
constexpr std::size_t kMaxLiteral = 200;    // bytes of a text that minja reads itself
constexpr std::size_t kLongTag = 4096;      // bytes: from here on it counts as text does
constexpr std::size_t kMaxEmptyLines = 64;  // that keep a tag's line what it was

std::unexpected<Error> refuse_template(std::string message) {
  return fail(ErrorCode::InvalidModel, "the chat template " + std::move(message));
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

// What minja reads of a string's inside.
std::string unescaped(std::string_view inside) {
  static constexpr std::string_view kLetters = "nrtbf", kMeant = "\n\r\t\b\f";
  std::string text;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\' || i + 1 == inside.size()) {
      text += inside[i];
      continue;
    }
    const std::size_t letter = kLetters.find(inside[++i]);
    text += letter == std::string_view::npos ? inside[i] : kMeant[letter];
  }
  return text;
}

// Writes a prepared template, tag by tag.
class TemplateWriter {
 public:
  explicit TemplateWriter(std::string_view source) : source_(source) {}

  Result<PreparedTemplate> write();

 private:
  // A loop, a macro or a call's block that is open: what it writes each time is told to a function at its beginning.
  struct OpenBlock {
    std::string_view ending;
    std::size_t place, texts;
  };

  void add_tag(char kind, std::string_view words);
  void count(std::string_view call) { add_tag('%', std::format("set llama_stepped = {}", call)); }
  void add_text(std::string_view text);
  void add_between(std::string_view text, const TemplateTag* next);
  Result<void> add(const TemplateTag& tag);
  Result<void> add_statement(const TemplateTag& tag, std::string_view word);
  void open(std::string_view function, std::string_view ending);
  void close(std::string_view word);
  Result<std::string> in_minjas_words(std::string_view body);
  std::string words_for(std::string text);

  std::string_view source_;
  PreparedTemplate prepared_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0, line_ = 0;  // the line of a place in the source
  std::size_t lines_ = 0;               // of what is prepared
  std::size_t texts_ = 0;               // bytes of the texts so far
  int depth_ = 0;                       // of blocks
  std::optional<TemplateTag> before_;   // the tag before
  std::vector<OpenBlock> blocks_;
  std::vector<std::string> captured_;  // names whose `{% set x %}` is open
};

// A literal, or a place among the texts.
std::string TemplateWriter::words_for(std::string text) {
  if (text.size() > kMaxLiteral || text.contains("{#")) {
    prepared_.texts.push_back(std::move(text));
    return std::format("(llama_text({}))", prepared_.texts.size() - 1);
  }
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

// Tests are spelt out and white space is made one space; what stands in quotes is not touched, but may be moved.
Result<std::string> TemplateWriter::in_minjas_words(std::string_view body) {
  auto known = with_known_calls(std::string(body));
  if (!known) return known;
  const std::string_view text = *known;
  std::string done, words;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\'') {
      const char read = is_template_space(c) ? ' ' : c;
      if (read != ' ' || !words.ends_with(' ')) words += read;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && text[end] != c) end += text[end] == '\\' ? 2 : 1;
    end = std::min(end, text.size());
    const std::string_view inside = text.substr(i + 1, end - i - 1);
    const bool is_moved = inside.size() > kMaxLiteral || inside.contains("{#");
    done += with_known_tests(std::exchange(words, {}));
    done += is_moved ? words_for(unescaped(inside)) : std::string(text.substr(i, end + 1 - i));
    i = end;
  }
  return done + with_known_tests(words);
}

void TemplateWriter::add_tag(char kind, std::string_view words) {
  std::string& source = prepared_.source;
  // Empty lines in the end of the tag before.
  line_ += static_cast<std::size_t>(std::ranges::count(source_.substr(counted_, at_ - counted_), '\n'));
  counted_ = at_;
  if (line_ > lines_ && !source.empty()) {
    const std::size_t missing = std::min(line_ - lines_, kMaxEmptyLines);
    source.insert(source.size() - 2, missing, '\n');
    lines_ += missing;
  }
  lines_ += static_cast<std::size_t>(std::ranges::count(words, '\n'));
  source += std::format("{{{} {} {}}}", kind, words, kind == '{' ? '}' : '%');
}

void TemplateWriter::add_text(std::string_view text) {
  if (text.empty()) return;
  texts_ += text.size();
  add_tag('{', words_for(std::string(text)));
}

// What stands between two tags, or after the last one. Without the white space that Jinja drops there: all of it next
// to a dash; else a line's indentation before a statement or a comment, the line break after one, and the last line's.
void TemplateWriter::add_between(std::string_view text, const TemplateTag* next) {
  if (next != nullptr && next->strips_before) {
    while (!text.empty() && is_template_space(text.back())) text.remove_suffix(1);
  } else if (next != nullptr && next->kind != '{') {
    const std::size_t end = text.find_last_not_of(" \t") + 1;
    const bool begins_line = end > 0 ? text[end - 1] == '\n' : !before_;
    if (begins_line) text = text.substr(0, end);
  }
  if (before_ && before_->strips_after) {
    while (!text.empty() && is_template_space(text.front())) text.remove_prefix(1);
  } else if (before_ && before_->kind != '{' && text.starts_with('\n')) {
    text.remove_prefix(1);
  }
  if (next == nullptr && text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  add_text(text);
}

void TemplateWriter::open(std::string_view function, std::string_view ending) {
  count(std::format("{}()", function));
  // Where the number will stand: before ") %}".
  blocks_.push_back({.ending = ending, .place = prepared_.source.size() - 4, .texts = texts_});
}

void TemplateWriter::close(std::string_view word) {
  if (blocks_.empty() || blocks_.back().ending != word) return;  // the parser will say so
  prepared_.source.insert(blocks_.back().place, std::to_string(texts_ - blocks_.back().texts));
  blocks_.pop_back();
}

Result<void> TemplateWriter::add_statement(const TemplateTag& tag, std::string_view word) {
  if (word == "for" || word == "if" || word == "macro" || word == "call" || word == "filter" || word == "generation") {
    if (++depth_ > kMaxBlockDepth)
      return refuse_template(std::format("nests blocks more than {} deep", kMaxBlockDepth));
  } else if (word.starts_with("end")) {
    --depth_;
  }
  if (word == "for" && tag.body.ends_with("recursive")) return refuse_template("has a loop that calls itself");
  if (word == "endmacro" || word == "endcall") count("llama_leave()");
  if (word == "break" || word == "continue") count("llama_jump()");
  // A macro and a call's block are stored in the context that they hold.
  if (word == "macro" || word == "call") count("llama_own()");
  const auto words = in_minjas_words(tag.body);
  if (!words) return std::unexpected(words.error());
  add_tag('%', *words);
  close(word);
  const auto bound = [&](const std::string& name) {
    const std::size_t dot = name.find('.');
    count(dot == std::string::npos ? std::format("llama_bounded({})", name)
                                   : std::format("llama_field({}, '{}')", name.substr(0, dot), name.substr(dot + 1)));
  };
  if (word == "for") {
    open("llama_step", "endfor");
    for (const auto& name : targets_of(tag.body)) count(std::format("llama_item({})", name));
  } else if (word == "macro") {
    open("llama_enter", "endmacro");
    std::ranges::for_each(parameters_of(tag.body), bound);
  } else if (word == "call") {
    open("llama_enter", "endcall");
  } else if (word == "set") {
    const auto targets = targets_of(tag.body);
    if (tag.body.contains('=')) {
      std::ranges::for_each(targets, bound);
    } else {
      captured_.push_back(targets.empty() ? std::string("llama_stepped") : targets.front());
    }
  } else if (word == "endset" && !captured_.empty()) {
    bound(captured_.back());
    captured_.pop_back();
  }
  return {};
}

Result<void> TemplateWriter::add(const TemplateTag& tag) {
  if (tag.kind == '#') return {};
  if (auto reason = too_much_in(tag.body); !reason.empty()) return refuse_template(std::move(reason));
  if (tag.body.size() > kLongTag) texts_ += tag.body.size();
  if (tag.kind == '%') return add_statement(tag, first_template_word(tag.body));
  const auto words = in_minjas_words(tag.body);
  if (!words) return std::unexpected(words.error());
  add_tag('{', std::format("llama_out({})", *words));
  return {};
}

Result<PreparedTemplate> TemplateWriter::write() {
  while (const auto tag = next_tag(source_, at_)) {
    if (tag->end == std::string_view::npos) {
      return refuse_template(std::format("has a tag without an end: {}", source_.substr(tag->begin, 2)));
    }
    add_between(source_.substr(at_, tag->begin - at_), &*tag);
    at_ = tag->begin;
    before_ = tag;
    if (tag->kind == '%' && first_template_word(tag->body) == "raw") {
      const std::size_t end = source_.find("endraw", tag->end);
      const std::size_t open = end == std::string_view::npos ? end : source_.rfind("{%", end);
      const std::size_t close = end == std::string_view::npos ? end : source_.find("%}", end);
      if (close == std::string_view::npos || open < tag->end) return refuse_template("has a raw block without an end");
      add_text(source_.substr(tag->end, open - tag->end));
      before_ = TemplateTag{.kind = '{'};
      at_ = close + 2;
      continue;
    }
    if (auto added = add(*tag); !added) return std::unexpected(added.error());
    at_ = tag->end;
  }
  add_between(source_.substr(at_), nullptr);
  return std::move(prepared_);
}

}  // namespace

Result<PreparedTemplate> prepare_template(std::string_view source) {
  if (source.size() > kMaxSource) {
    return refuse_template(std::format("has {} bytes, at most {} are read", source.size(), kMaxSource));
  }
  if (source.contains('\0')) return refuse_template("contains a NUL character");
  return TemplateWriter(source).write();
}

}  // namespace llama::internal
