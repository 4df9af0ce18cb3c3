#include "../src/reply/hermes_format.h"

#include <gmock/gmock.h>

#include "golden_replies.h"

namespace llama::internal {
namespace {

using test::Golden;
using test::lines_of;
using testing::ElementsAre;

const std::vector<Golden>& hermes_conversations() {
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
       {"text: Hm.", "call 0: ", "unfinished 0"},
       ReplyEnd::Cut},
      {"the second one cut before the name",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\n<tool_call>\n{",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
       ReplyEnd::Cut},
      {"the second one cut in its opener",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\n<tool",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
       ReplyEnd::Cut},
      {"half an opener that the model ended with",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\n<tool",
       {"call 0: look", "arguments 0: {}", "end 0", "text: <tool"}},
      {"half an opener behind text",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\nSo, <tool",
       {"call 0: look", "arguments 0: {}", "end 0", "text: So, <tool"},
       ReplyEnd::Cut},
      {"cut in the closer",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}\n</tool_",
       {"call 0: look", "arguments 0: {}", "end 0"},
       ReplyEnd::Cut},
      {"half a closer too many",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\n</tool_call>\n</tool_",
       {"call 0: look", "arguments 0: {}", "end 0"}},
      {"half a closer behind text",
       "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call>\nSo </tool_",
       {"call 0: look", "arguments 0: {}", "end 0", "text: So </tool_"}},
      {"the second one without its opener",
       "{\"name\": \"look\", \"arguments\": {}}\n{\"name\": \"lo",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
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

TEST(HermesFormat, TellsTheSameEventsForAnySplit) {
  test::expect_lines_for_any_split(kHermesFormat, hermes_conversations());
}

TEST(HermesFormat, NeverTakesBackWhatItTold) {
  test::expect_nothing_is_taken_back(kHermesFormat, hermes_conversations());
}

TEST(HermesFormat, GivesArgumentsOutAsTheyCome) {
  const auto format = kHermesFormat.make({.tools = {"look", "get_weather"}});
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

}  // namespace
}  // namespace llama::internal
