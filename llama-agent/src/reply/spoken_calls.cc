#include "spoken_calls.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "json_text.h"

namespace llama::internal {
namespace {

constexpr std::string_view kSpokenSpaces = " \t";
constexpr std::size_t kMaxSpokenOpening = 256;  // bytes besides the name: it is read again with each byte

// Whether a line begins with a call, and if so of which tool and how far the words before its arguments go.
struct SpokenOpening {
  enum class Found { No, Maybe, Yes } found = Found::No;
  std::size_t tool = 0;
  std::size_t bytes = 0;
};

// Reads word after word; Maybe where the text ends within what may still become one.
class WordReader {
 public:
  using Found = SpokenOpening::Found;
  explicit WordReader(std::string_view text) : text_(text) {}

  void skip_spaces() { at_ = std::min(text_.find_first_not_of(kSpokenSpaces, at_), text_.size()); }
  // A word in any case, and a blank, a quote or a colon after it.
  Found eat(std::string_view word) {
    skip_spaces();
    const std::string_view rest = text_.substr(at_);
    const std::size_t shared = std::min(rest.size(), word.size());
    const auto same = [](char a, char b) { return lower(a) == lower(b); };
    if (!std::ranges::equal(rest.substr(0, shared), word.substr(0, shared), same)) return Found::No;
    if (rest.size() <= word.size()) return Found::Maybe;
    if (!std::string_view(" \t\n`'\":").contains(rest[word.size()])) return Found::No;
    at_ += word.size();
    return Found::Yes;
  }
  bool eat_quote() {
    skip_spaces();
    const bool is_quote = at_ < text_.size() && std::string_view("`'\"").contains(text_[at_]);
    if (is_quote) ++at_;
    return is_quote;
  }
  [[nodiscard]] bool is_at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char next() const { return text_[at_]; }
  [[nodiscard]] std::size_t at() const { return at_; }
  void skip() { ++at_; }

 private:
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
  std::string_view text_;
  std::size_t at_ = 0;
};

// "call", the name, maybe in quotes, "with", maybe "arguments" and a colon.
SpokenOpening opening_with(std::string_view line, std::string_view name) {
  using enum SpokenOpening::Found;
  WordReader words(line);
  if (const auto found = words.eat("call"); found != Yes) return {found};
  const bool is_quoted = words.eat_quote();
  if (const auto found = words.eat(name); found != Yes) return {found};
  if (is_quoted && !words.is_at_end() && !words.eat_quote()) return {};
  if (const auto found = words.eat("with"); found != Yes) return {found};
  if (const auto found = words.eat("arguments"); found == Maybe) return {found};
  words.skip_spaces();
  if (words.is_at_end()) return {Maybe};
  if (words.next() == ':') words.skip();
  words.skip_spaces();
  return words.is_at_end() ? SpokenOpening{Maybe} : SpokenOpening{Yes, 0, words.at()};
}

SpokenOpening opening_of(std::string_view line, const std::vector<std::string>& tools) {
  SpokenOpening best;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (line.size() > kMaxSpokenOpening + tools[i].size()) continue;
    auto found = opening_with(line, tools[i]);
    found.tool = i;
    if (found.found == SpokenOpening::Found::Yes) return found;
    if (found.found == SpokenOpening::Found::Maybe) best = found;
  }
  return best;
}

// The property that a lone value is of: the only one that is required, or the only one.
std::string lone_property(std::string_view schema) {
  const auto json = nlohmann::ordered_json::parse(schema, nullptr, false);
  if (!json.is_object()) return "input";
  if (json.contains("required") && json["required"].is_array() && json["required"].size() == 1 &&
      json["required"][0].is_string()) {
    return json["required"][0].get<std::string>();
  }
  if (json.contains("properties") && json["properties"].is_object() && json["properties"].size() == 1) {
    return json["properties"].begin().key();
  }
  return "input";
}

void tell_arguments(std::int32_t call, std::string_view json, ReplyEvents& events) {
  auto* last = events.empty() ? nullptr : std::get_if<ToolCallArguments>(&events.back());
  if (last != nullptr && last->call == call) {
    last->json += json;
  } else if (!json.empty()) {
    events.emplace_back(ToolCallArguments{call, std::string(json)});
  }
}

class SpokenCalls final : public ReplyFormat {
 public:
  SpokenCalls(std::unique_ptr<ReplyFormat> family, const ReplyFormatOptions& options)
      : family_(std::move(family)), tools_(options.tools), schemas_(options.tool_parameters) {}

  void push(const ReplyPiece& piece, ReplyEvents& events) override {
    ReplyEvents told;
    family_->push(piece, told);
    take(told, events);
  }
  void finish(ReplyEnd end, ReplyEvents& events) override {
    ReplyEvents told;
    family_->finish(end, told);
    take(told, events);
    end_text(end == ReplyEnd::Whole, events);
  }
  [[nodiscard]] bool is_thinking() const override { return family_->is_thinking(); }
  [[nodiscard]] bool is_over() const override { return family_->is_over(); }

 private:
  enum class Place { LineBegins, Text, Object, Line };

  void take(ReplyEvents& told, ReplyEvents& events) {
    for (auto& event : told) {
      if (const auto* text = std::get_if<TextEvent>(&event)) {
        read(text->text, events);
        continue;
      }
      end_text(true, events);
      renumber(event);
      events.push_back(std::move(event));
    }
  }
  // The family counts its own calls only.
  void renumber(ReplyEvent& event) {
    if (auto* begun = std::get_if<ToolCallBegun>(&event)) begun->call = of_family_ = next_call_++;
    if (auto* more = std::get_if<ToolCallArguments>(&event)) more->call = of_family_;
    if (auto* ended = std::get_if<ToolCallEnded>(&event)) ended->call = of_family_;
  }

  void read(std::string_view text, ReplyEvents& events) {
    for (const char c : text) {
      switch (place_) {
        case Place::LineBegins:
          begin_line(c, events);
          break;
        case Place::Text:
          tell_character(c, events);
          break;
        case Place::Object:
          read_object(c, events);
          break;
        case Place::Line:
          c == '\n' ? end_line(true, events) : held_.push_back(c);
          break;
      }
    }
  }

  void tell_character(char c, ReplyEvents& events) {
    tell_text(std::string_view(&c, 1), events);
    if (c == '\n') place_ = Place::LineBegins;
  }

  void begin_line(char c, ReplyEvents& events) {
    held_ += c;
    if (c == '\n') return give_back(events);
    if (indent_ + 1 == held_.size() && kSpokenSpaces.contains(c)) {
      ++indent_;
      return;
    }
    const auto opening = opening_of(std::string_view(held_).substr(indent_), tools_);
    if (opening.found == SpokenOpening::Found::Maybe) return;
    if (opening.found == SpokenOpening::Found::No) return give_back(events);
    tool_ = opening.tool;
    call_ = next_call_++;
    events.emplace_back(ToolCallBegun{.call = call_, .name = tools_[tool_]});
    held_.erase(0, std::exchange(indent_, 0) + opening.bytes);
    const std::string first = std::exchange(held_, {});
    place_ = first == "{" ? Place::Object : Place::Line;
    value_ = {};
    for (const char each : first) place_ == Place::Object ? read_object(each, events) : held_.push_back(each);
  }
  // It was no call.
  void give_back(ReplyEvents& events) {
    tell_text(held_, events);
    place_ = held_.ends_with('\n') ? Place::LineBegins : Place::Text;
    held_.clear();
    indent_ = 0;
  }

  void read_object(char c, ReplyEvents& events) {
    std::string json;
    const auto took = value_.push(c, json);
    tell_arguments(call_, json, events);
    arguments_ += json;
    if (took == JsonValue::Took::Last) end_object(events);
  }
  void end_object(ReplyEvents& events) {
    const bool is_object = nlohmann::json::parse(arguments_, nullptr, false).is_object();
    arguments_.clear();
    events.emplace_back(ToolCallEnded{call_, is_object});
    place_ = Place::Text;
  }

  // What stands in the rest of the line: a JSON value, or words.
  void end_line(bool is_complete, ReplyEvents& events) {
    held_.erase(std::min(held_.find_last_not_of(" \t\r") + 1, held_.size()));
    auto value = nlohmann::ordered_json::parse(held_, nullptr, false);
    if (value.is_discarded()) value = held_;
    const std::string_view schema = tool_ < schemas_.size() ? std::string_view(schemas_[tool_]) : "";
    const nlohmann::ordered_json arguments{{lone_property(schema), value}};
    tell_arguments(call_, arguments.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), events);
    events.emplace_back(ToolCallEnded{call_, is_complete});
    held_.clear();
    place_ = Place::LineBegins;
  }

  // Text has ended, with the reply or with something of the family's own.
  void end_text(bool is_whole, ReplyEvents& events) {
    if (place_ == Place::LineBegins && !held_.empty()) give_back(events);
    if (place_ == Place::Line) end_line(is_whole, events);
    if (place_ == Place::Object) {
      arguments_.clear();
      events.emplace_back(ToolCallEnded{call_, false});
    }
    place_ = Place::LineBegins;
  }

  std::unique_ptr<ReplyFormat> family_;
  std::vector<std::string> tools_, schemas_;
  Place place_ = Place::LineBegins;
  std::string held_;        // the beginning of a line, or arguments that are no object
  std::size_t indent_ = 0;  // spaces that the line begins with
  std::string arguments_;   // of an object, so far
  JsonValue value_;
  std::size_t tool_ = 0;
  std::int32_t call_ = 0, of_family_ = 0, next_call_ = 0;
};

}  // namespace

std::unique_ptr<ReplyFormat> read_spoken_calls(std::unique_ptr<ReplyFormat> family, const ReplyFormatOptions& options) {
  return std::make_unique<SpokenCalls>(std::move(family), options);
}

}  // namespace llama::internal
