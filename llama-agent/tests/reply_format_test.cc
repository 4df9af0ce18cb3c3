#include "../src/reply/reply_format.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

#include "../src/reply/hermes_format.h"
#include "../src/reply/reply.h"

namespace llama::internal {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kTools{"look", "get_weather"};

// Events as one line each; those that go on with one another are one.
std::vector<std::string> lines_of(const ReplyEvents& events) {
  std::vector<std::string> lines;
  std::string kind;
  const auto add = [&](const std::string& of, const std::string& text) {
    if (kind == of && !lines.empty()) {
      lines.back() += text;
    } else {
      lines.push_back(of + text);
    }
    kind = of;
  };
  for (const auto& event : events) {
    if (const auto* text = std::get_if<TextEvent>(&event)) add("text: ", text->text);
    if (const auto* thought = std::get_if<ThinkingEvent>(&event)) add("thinking: ", thought->text);
    if (const auto* more = std::get_if<ToolCallArguments>(&event))
      add(std::format("arguments {}: ", more->call), more->json);
    if (const auto* begun = std::get_if<ToolCallBegun>(&event)) {
      kind.clear();
      lines.push_back(
          std::format("call {}: {}{}", begun->call, begun->name, begun->id.empty() ? "" : " as " + begun->id));
    }
    if (const auto* ended = std::get_if<ToolCallEnded>(&event)) {
      kind.clear();
      lines.push_back(std::format("{} {}", ended->is_complete ? "end" : "unfinished", ended->call));
    }
  }
  return lines;
}

std::vector<std::string> parse(const ReplyFormatKind& kind, const ReplyFormatOptions& options,
                               const std::vector<std::string>& pieces, ReplyEnd end) {
  const auto format = kind.make(options);
  ReplyEvents events;
  for (const auto& piece : pieces) format->push({.text = piece}, events);
  format->finish(end, events);
  return lines_of(events);
}

struct Golden {
  std::string name, reply;
  std::vector<std::string> lines;
  ReplyEnd end = ReplyEnd::Whole;
  bool thinking_is_open = false;
};

const std::vector<Golden>& conversations() {
  static const std::vector<Golden> all{
      {"one call",
       "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"sky\", \"n\": 2}}\n</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\", \"n\": 2}", "end 0"}},
      {"text before",
       "I will look.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>",
       {"text: I will look.", "call 0: look", "arguments 0: {}", "end 0"}},
      {"two calls",
       "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"a\": [1, {\"b\": null}]}}\n</tool_call>\n<tool_call>\n"
       "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Z\u00fcrich\"}}\n</tool_call>",
       {"call 0: look", "arguments 0: {\"a\": [1, {\"b\": null}]}", "end 0", "call 1: get_weather",
        "arguments 1: {\"city\": \"Z\u00fcrich\"}", "end 1"}},
      {"thought before",
       "<think>\nLook first.\n</think>\n\n<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>",
       {"thinking: Look first.", "call 0: look", "arguments 0: {}", "end 0"}},
      {"a thought without its closer",
       "I think so.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>",
       {"thinking: I think so.", "call 0: look", "arguments 0: {}", "end 0"},
       ReplyEnd::Whole,
       true},
      {"a marker inside a thought is thought",
       "Not a <tool_call> here.</think>Done.",
       {"thinking: Not a <tool_call> here.", "text: Done."},
       ReplyEnd::Whole,
       true},
      {"no line breaks",
       "<tool_call>{\"name\":\"look\",\"arguments\":{\"a\":1}}</tool_call>",
       {"call 0: look", "arguments 0: {\"a\":1}", "end 0"}},
      {"text after",
       "<tool_call>{\"name\":\"look\",\"arguments\":{}}</tool_call>\nDone.",
       {"call 0: look", "arguments 0: {}", "end 0", "text: Done."}},
      {"no closer",
       "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"a\": 1}}",
       {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
      {"no last brace",
       "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"a\": 1}",
       {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
      {"cut by the limit",
       "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"a\": \"long te",
       {"call 0: look", "arguments 0: {\"a\": \"long te", "unfinished 0"},
       ReplyEnd::Cut},
      {"cut before the name",
       "Hm. <tool_call>\n{\"name\": \"lo",
       {"text: Hm. <tool_call>\n{\"name\": \"lo"},
       ReplyEnd::Cut},
      {"no opener",
       "{\"name\": \"look\", \"arguments\": {\"a\": 1}}\n</tool_call>",
       {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
      {"JSON that is no call", "{\"name\": \"Ada\", \"age\": 36}", {"text: {\"name\": \"Ada\", \"age\": 36}"}},
      {"a fence",
       "<tool_call>\n```json\n{\"name\": \"look\", \"arguments\": {}}\n```\n</tool_call>",
       {"call 0: look", "arguments 0: {}", "end 0"}},
      {"a list",
       "<tool_call>[{\"name\": \"look\", \"arguments\": {}}, {\"name\": \"look\", \"arguments\": {\"a\": "
       "1}}]</tool_call>",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: look", "arguments 1: {\"a\": 1}", "end 1"}},
      {"an empty list", "Nothing. <tool_call>[]</tool_call>", {"text: Nothing."}},
      {"arguments in a string",
       R"(<tool_call>{"name": "look", "arguments": "{\"a\": \"\u00e9\\n\ud83d\ude42\"}"}</tool_call>)",
       {"call 0: look", "arguments 0: {\"a\": \"\u00e9\\n\U0001F642\"}", "end 0"}},
      {"parameters",
       R"(<tool_call>{"name": "look", "parameters": {"a": 1}}</tool_call>)",
       {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
      {"no arguments", R"(<tool_call>{"name": "look"}</tool_call>)", {"call 0: look", "arguments 0: {}", "end 0"}},
      {"null arguments",
       R"(<tool_call>{"name": "look", "arguments": null}</tool_call>)",
       {"call 0: look", "arguments 0: {}", "end 0"}},
      {"the name last",
       R"(<tool_call>{"id": "x1", "arguments": {"a": 1}, "name": "look"}</tool_call>)",
       {"call 0: look as x1", "arguments 0: {\"a\": 1}", "end 0"}},
      {"commas too many",
       R"(<tool_call>{"name": "look", "arguments": {"a": [1, 2,], },}</tool_call>)",
       {"call 0: look", "arguments 0: {\"a\": [1, 2]}", "end 0"}},
      {"a line break in a string",
       "<tool_call>{\"name\": \"look\", \"arguments\": {\"a\": \"x\ny\"}}</tool_call>",
       {"call 0: look", "arguments 0: {\"a\": \"x\\ny\"}", "end 0"}},
      {"a closer in a string",
       R"(<tool_call>{"name": "look", "arguments": {"a": "</tool_call>"}}</tool_call>)",
       {"call 0: look", "arguments 0: {\"a\": \"</tool_call>\"}", "end 0"}},
      {"large numbers stay",
       R"(<tool_call>{"name": "look", "arguments": {"a": 123456789012345678901}}</tool_call>)",
       {"call 0: look", "arguments 0: {\"a\": 123456789012345678901}", "end 0"}},
      {"an unknown name",
       R"(<tool_call>{"name": "fly", "arguments": {}}</tool_call>)",
       {"call 0: fly", "arguments 0: {}", "end 0"}},
      {"arguments that are no JSON",
       R"(<tool_call>{"name": "look", "arguments": {a: 1}}</tool_call>)",
       {"call 0: look", "arguments 0: {a: 1}", "unfinished 0"}},
      {"no JSON", "<tool_call>look(a=1)</tool_call>", {"text: <tool_call>look(a=1)</tool_call>"}},
      {"no call at all", "What does <tool mean? ", {"text: What does <tool mean? "}},
      {"nothing", "", {}},
  };
  return all;
}

std::vector<std::string> split_at_random(const std::string& text, std::mt19937& random) {
  std::vector<std::string> pieces;
  const std::size_t longest = 1 + random() % 12;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.size(), at + 1 + random() % longest);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

TEST(HermesFormat, TellsTheSameEventsForAnySplit) {
  std::mt19937 random(22);
  for (const auto& golden : conversations()) {
    const ReplyFormatOptions options{.thinking_opener = "<think>",
                                     .thinking_closer = "</think>",
                                     .thinking_is_open = golden.thinking_is_open,
                                     .tools = kTools};
    EXPECT_EQ(parse(kHermesFormat, options, {golden.reply}, golden.end), golden.lines) << golden.name;
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(parse(kHermesFormat, options, split_at_random(golden.reply, random), golden.end), golden.lines)
          << golden.name;
    }
  }
}

// Whatever was told before stays: the events of a reply's beginning are the beginning of its events.
TEST(HermesFormat, NeverTakesBackWhatItTold) {
  for (const auto& golden : conversations()) {
    const ReplyFormatOptions options{.thinking_opener = "<think>",
                                     .thinking_closer = "</think>",
                                     .thinking_is_open = golden.thinking_is_open,
                                     .tools = kTools};
    const auto format = kHermesFormat.make(options);
    ReplyEvents events;
    std::string before;
    for (const char c : golden.reply) {
      format->push({.text = std::string_view(&c, 1)}, events);
      std::string now;
      for (const auto& line : lines_of(events)) now += line;
      EXPECT_TRUE(now.starts_with(before)) << golden.name;
      before = now;
    }
  }
}

TEST(HermesFormat, GivesArgumentsOutAsTheyCome) {
  const auto format = kHermesFormat.make({.tools = kTools});
  const auto told = [&](std::string_view text) {
    ReplyEvents events;
    format->push({.text = text}, events);
    return lines_of(events);
  };
  EXPECT_THAT(told("<tool_call>\n{\"name\": \"lo"), ElementsAre());
  EXPECT_THAT(told("ok\","), ElementsAre("call 0: look"));
  EXPECT_THAT(told(" \"arguments\": {\"text\": \"a lo"), ElementsAre("arguments 0: {\"text\": \"a lo"));
  EXPECT_THAT(told("ng one"), ElementsAre("arguments 0: ng one"));
  EXPECT_THAT(told("\"}}"), ElementsAre("arguments 0: \"}", "end 0"));
}

TEST(HermesFormat, HoldsTheModelToACallFromTheOpenerOn) {
  const auto format =
      kHermesFormat.make({.thinking_opener = "<think>", .thinking_closer = "</think>", .tools = kTools});
  const auto after = [&](std::string_view text) {
    ReplyEvents events;
    format->push({.text = text}, events);
    return format->grammar();
  };
  EXPECT_EQ(after("<think>").grammar, kNoGrammar);
  EXPECT_EQ(after("x</think>").grammar, kRequestGrammar);
  EXPECT_EQ(after("Well. <tool_").grammar, kRequestGrammar);
  const GrammarPhase first = after("call>");
  EXPECT_EQ(first.grammar, 1);
  EXPECT_EQ(after("\n{\"name\""), first);
  EXPECT_EQ(after(": \"look\", \"arguments\": {}}").grammar, kRequestGrammar);
  const GrammarPhase second = after("\n</tool_call>\n<tool_call>");
  EXPECT_EQ(second.grammar, 1);
  EXPECT_NE(second, first) << "it begins anew";
  EXPECT_EQ(after("{\"name\": \"look\"}").grammar, kRequestGrammar);
  EXPECT_EQ(after("</tool_call><tool_call>{").grammar, kRequestGrammar) << "too late: the call has begun already";
}

TEST(ReplyFormat, IsChosenByTheTemplate) {
  EXPECT_EQ(choose_reply_format({.source = "…<tool_call>…"}).name, "hermes");
  EXPECT_EQ(choose_reply_format({.source = "…<tool_call>\n<function=…"}).name, "text");
  EXPECT_EQ(choose_reply_format({.source = "…"}).name, "text");
  EXPECT_EQ(&reply_format_named("hermes"), &kHermesFormat);
  EXPECT_EQ(&reply_format_named("text"), &kTextFormat);
}

TEST(Reply, GivesCallsIdsAndKeepsThem) {
  ReplyRules rules;
  rules.format = &kHermesFormat;
  rules.format_options.tools = kTools;
  rules.call_ids = "ab12";
  rules.stopping.stop_strings = {"STOP"};
  rules.stopping.max_tokens = 2;
  Reply reply(rules);
  StreamChunk chunk =
      reply.push({.bytes = "Hm ST<tool_call>{\"name\": \"look\", \"arguments\": {\"a\": \"STOP\"}}</tool_call>"});
  EXPECT_THAT(lines_of(chunk.events),
              ElementsAre("text: Hm ST", "call 0: look as ab1200000", "arguments 0: {\"a\": \"STOP\"}", "end 0"))
      << "no stop string is looked for in arguments, and none goes on behind a call";
  EXPECT_EQ(chunk.text, "Hm ST");
  ASSERT_EQ(reply.tool_calls().size(), 1U);
  EXPECT_EQ(reply.tool_calls()[0].id, "ab1200000");
  EXPECT_EQ(reply.tool_calls()[0].arguments, "{\"a\": \"STOP\"}");
  chunk = reply.push({.bytes = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"ci"});
  EXPECT_EQ(reply.finished(), FinishReason::TokenLimit);
  chunk = reply.flush();
  EXPECT_THAT(lines_of(chunk.events), ElementsAre("unfinished 1"));
  EXPECT_EQ(reply.tool_calls().size(), 1U);
  ASSERT_TRUE(reply.unfinished_call());
  EXPECT_EQ(reply.unfinished_call()->arguments, "{\"ci");
}

TEST(Reply, ParsesAnySplitOfBytesTheSame) {
  const std::string text =
      "é<think>漢</think> 字\xFF<tool_call>{\"name\": \"look\", \"arguments\": {\"a\": \"🙂\"}}</tool_call>\n "
      "ü\xE6\xBC";
  const auto told = [&](std::size_t length) {
    ReplyRules rules;
    rules.format = &kHermesFormat;
    rules.format_options.tools = kTools;
    rules.stopping.stop_strings = {"never"};
    Reply reply(rules);
    ReplyEvents events;
    const auto take = [&](StreamChunk chunk) { events.insert(events.end(), chunk.events.begin(), chunk.events.end()); };
    for (std::size_t at = 0; at < text.size(); at += length)
      take(reply.push({.bytes = std::string_view(text).substr(at, length)}));
    take(reply.flush());
    return lines_of(events);
  };
  const auto whole = told(text.size());
  EXPECT_EQ(whole.size(), 5U);
  for (std::size_t length = 1; length < 20; ++length) EXPECT_EQ(told(length), whole) << length;
}

}  // namespace
}  // namespace llama::internal
