// A reply of any bytes, split in any way: no crash, the same events as in one piece, whole characters, and nothing told
// that is taken back, in every format. The first byte chooses the rules and the split.
#include <cstdint>
#include <cstdlib>
#include <print>
#include <source_location>
#include <string>
#include <string_view>

#include "../src/reply/reply.h"
#include "../src/reply/reply_format.h"

namespace {

using namespace llama;
using namespace llama::internal;

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "reply_fuzz: line {} does not hold", where.line());
  std::abort();
}

struct Told {
  ReplyEvents events;
  std::string answer, thinking;
  std::size_t calls = 0;
  bool operator==(const Told&) const = default;
};

// Events that go on with one another are one.
void add(ReplyEvents& events, const ReplyEvents& more) {
  for (const auto& event : more) {
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      require(whole_characters(text->text) == text->text);
      tell_text(text->text, events);
    } else if (const auto* thought = std::get_if<ThinkingEvent>(&event)) {
      tell_thinking(thought->text, events);
    } else if (const auto* arguments = std::get_if<ToolCallArguments>(&event)) {
      auto* last = events.empty() ? nullptr : std::get_if<ToolCallArguments>(&events.back());
      require(last != nullptr || std::holds_alternative<ToolCallBegun>(events.back()));
      if (last != nullptr) {
        last->json += arguments->json;
      } else {
        events.push_back(event);
      }
    } else {
      events.push_back(event);
    }
  }
}

// The format's marker that the text begins with; "": none.
std::string_view marker_of(const ReplyFormatKind& format, std::string_view text) {
  std::string_view longest;
  for (const std::string_view marker : format.markers) {
    if (text.starts_with(marker) && marker.size() > longest.size()) longest = marker;
  }
  return longest;
}

// In pieces of that length. Markers are text, or control tokens, each a piece of its own.
Told told(const ReplyRules& rules, bool has_controls, std::string_view text, std::size_t length) {
  constexpr Token kControl = 1;
  const auto marker_at = [&](std::size_t at) {
    return has_controls ? marker_of(*rules.format, text.substr(at)) : std::string_view();
  };
  Reply reply(rules);
  Told all;
  for (std::size_t at = 0; at < text.size() && !reply.finished();) {
    ReplyToken token{.bytes = marker_at(at)};
    if (!token.bytes.empty()) {
      token.control = kControl;
    } else {
      std::size_t end = at + 1;
      while (end < text.size() && end - at < length && marker_at(end).empty()) ++end;
      token.bytes = text.substr(at, end - at);
    }
    at += token.bytes.size();
    add(all.events, reply.push(token).events);
  }
  add(all.events, reply.flush().events);
  all.answer = reply.answer();
  all.thinking = reply.thinking();
  all.calls = reply.tool_calls().size();
  std::string answer, thinking;
  for (const auto& event : all.events) {
    if (const auto* part = std::get_if<TextEvent>(&event)) answer += part->text;
    if (const auto* part = std::get_if<ThinkingEvent>(&event)) thinking += part->text;
  }
  require(answer == all.answer && thinking == all.thinking);
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReplyRules rules;
  rules.format_options.tools = {"look", "get_weather"};
  if ((data[0] & 2U) != 0) {
    rules.format_options.thinking_opener = "<think>";
    rules.format_options.thinking_closer = "</think>";
    rules.format_options.thinking_is_open = (data[0] & 4U) != 0;
  }
  if ((data[0] & 8U) != 0) rules.stopping.stop_strings = {"STOP", "\n\n"};
  rules.stopping.max_tokens = 32'768;
  const std::size_t length = 1 + (data[0] >> 4U);
  const bool has_controls = (data[0] & 1U) != 0;
  for (const bool is_spoken : {false, true}) {
    rules.format_options.spoken_calls = is_spoken;
    for (const ReplyFormatKind* format : reply_formats()) {
      rules.format = format;
      require(told(rules, has_controls, text, length) == told(rules, has_controls, text, text.size() + 1));
    }
  }
  return 0;
}
