// Families whose calls are written as in a program: LFM2, SmolLM3, Gemma 3, Gemma 4, FunctionGemma.
#include <gmock/gmock.h>

#include "../src/reply/function_gemma_format.h"
#include "../src/reply/gemma3_format.h"
#include "../src/reply/gemma4_format.h"
#include "../src/reply/lfm_format.h"
#include "../src/reply/smollm3_format.h"
#include "golden_replies.h"

namespace llama::internal {
namespace {

using test::Golden;
using testing::ElementsAre;

void expect_golden(const ReplyFormatKind& kind, const std::vector<Golden>& conversations) {
  test::expect_lines_for_any_split(kind, conversations);
  test::expect_nothing_is_taken_back(kind, conversations);
}

// Source  the model card of LiquidAI/LFM2 ("Tool use"), and its template.
TEST(LfmFormat, TellsTheSameEventsForAnySplit) {
  expect_golden(
      kLfmFormat,
      {{"the model card's",
        "<|tool_call_start|>[get_candidate_status(candidate_id=\"12345\")]<|tool_call_end|>Checking the current status "
        "of "
        "candidate ID 12345.",
        {"call 0: get_candidate_status", "arguments 0: {\"candidate_id\": \"12345\"}", "end 0",
         "text: Checking the current status of candidate ID 12345."}},
       {"as the template writes",
        "<|tool_call_start|>[look(at='sky', n=2, b=True, c=None, d={\"e\": [1, 2.50]})]<|tool_call_end|>",
        {"call 0: look",
         "arguments 0: {\"at\": \"sky\", \"n\": 2, \"b\": true, \"c\": null, \"d\": {\"e\": [1, 2.50]}}", "end 0"}},
       {"two calls, text before",
        "I look.\n<|tool_call_start|>[look(), get_weather(city='Zürich', )]<|tool_call_end|>",
        {"text: I look.", "call 0: look", "arguments 0: {}", "end 0", "call 1: get_weather",
         "arguments 1: {\"city\": \"Zürich\"}", "end 1"}},
       {"a thought before",
        "<think>Hm. <|tool_call_start|> not</think><|tool_call_start|>[look(a=false)]<|tool_call_end|>",
        {"thinking: Hm. <|tool_call_start|> not", "call 0: look", "arguments 0: {\"a\": false}", "end 0"}},
       {"a thought without its closer",
        "I think.\n<|tool_call_start|>[look(a=null)]<|tool_call_end|>",
        {"thinking: I think.", "call 0: look", "arguments 0: {\"a\": null}", "end 0"},
        ReplyEnd::Whole,
        true},
       {"no closer, no bracket", "<|tool_call_start|>look(a=1)", {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"no opener", "[look(a=1)]", {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"no opener in the middle of a line", "As in [look(a=1)].", {"text: As in [look(a=1)]."}},
       {"a stray closer",
        "<|tool_call_start|>[look()]<|tool_call_end|>\n<|tool_call_end|>\nDone.",
        {"call 0: look", "arguments 0: {}", "end 0", "text: Done."}},
       {"an unknown name",
        "<|tool_call_start|>[fly(to=\"x\")]<|tool_call_end|>",
        {"call 0: fly", "arguments 0: {\"to\": \"x\"}", "end 0"}},
       {"cut by the limit",
        "<|tool_call_start|>[look(at=\"long te",
        {"call 0: look", "arguments 0: {\"at\": \"long te", "unfinished 0"},
        ReplyEnd::Cut},
       {"cut before the name", "Hm. <|tool_call_start|>[lo", {"text: Hm.", "call 0: ", "unfinished 0"}, ReplyEnd::Cut},
       {"the second one cut before its name",
        "<|tool_call_start|>[look(), lo",
        {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
        ReplyEnd::Cut},
       {"cut between two", "<|tool_call_start|>[look(), ", {"call 0: look", "arguments 0: {}", "end 0"}, ReplyEnd::Cut},
       {"half a closer too many",
        "<|tool_call_start|>[look()]<|tool_call_end|>\n<|tool_call_e",
        {"call 0: look", "arguments 0: {}", "end 0"}},
       {"half a closer behind text",
        "<|tool_call_start|>[look()]<|tool_call_end|>So <|tool_call_e",
        {"call 0: look", "arguments 0: {}", "end 0", "text: So <|tool_call_e"}},
       {"large numbers and Python's own",
        "<|tool_call_start|>[look(a=123456789012345678901, b=-.5, c=1_000, d=(1,), e='')]<|tool_call_end|>",
        {"call 0: look",
         "arguments 0: {\"a\": 123456789012345678901, \"b\": -0.5, \"c\": 1000, \"d\": [1], \"e\": \"\"}", "end 0"}},
       {"escapes and both quotes",
        R"(<|tool_call_start|>[look(a='it\'s "x"\n', b="\u00e9\x41\U0001F642\d", )"
        R"(c='<|tool_call_end|>)]')]<|tool_call_end|>)",
        {"call 0: look", R"(arguments 0: {"a": "it's \"x\"\n", "b": "éA🙂\\d", "c": "<|tool_call_end|>)]"})", "end 0"}},
       {"a position of no name",
        "<|tool_call_start|>[look(\"sky\")]<|tool_call_end|>",
        {"call 0: look", "arguments 0: {", "unfinished 0", "text: \"sky\")]<|tool_call_end|>"}},
       {"no call",
        "<|tool_call_start|>Hm, no.<|tool_call_end|>",
        {"text: <|tool_call_start|>Hm, no.<|tool_call_end|>"}},
       {"no call at all", "What is <|tool? [ ", {"text: What is <|tool? [ "}},
       {"nothing", "", {}}});
}

TEST(LfmFormat, NamesArgumentsByTheSchemasOrder) {
  const ReplyFormatOptions options{
      .tools = {"look"}, .tool_parameters = {R"({"properties": {"z": {"type": "string"}, "a": {}, "m": {}}})"}};
  EXPECT_THAT(test::parse(kLfmFormat, options, {"<|tool_call_start|>[look('x', True, m=[2])]"}, ReplyEnd::Whole),
              ElementsAre("call 0: look", "arguments 0: {\"z\": \"x\", \"a\": true, \"m\": [2]}", "end 0"));
}

// Source  the model card of HuggingFaceTB/SmolLM3-3B ("Agentic usage"): python_tools.
TEST(SmolLm3Format, TellsTheSameEventsForAnySplit) {
  expect_golden(
      kSmolLm3Format,
      {{"in Python",
        "<think>\nx\n</think>\n<code>get_weather(city=\"Copenhagen\")</code>",
        {"thinking: x", "call 0: get_weather", "arguments 0: {\"city\": \"Copenhagen\"}", "end 0"}},
       {"several lines",
        "<code>\nlook(a=1)\nlook(a=2)\n</code>\nDone.",
        {"call 0: look", "arguments 0: {\"a\": 1}", "end 0", "call 1: look", "arguments 1: {\"a\": 2}", "end 1",
         "text: Done."}},
       {"XML tools",
        "<tool_call>{\"name\": \"look\", \"arguments\": {\"a\": 1}}</tool_call>",
        {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"other code", "<code>x = 1 + 2</code>", {"text: <code>x = 1 + 2</code>"}},
       {"no closer", "<code>look(a='b')", {"call 0: look", "arguments 0: {\"a\": \"b\"}", "end 0"}},
       {"an unknown name", "<code>fly()</code>", {"call 0: fly", "arguments 0: {}", "end 0"}},
       {"the second one cut in its opener",
        "<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call><tool_",
        {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
        ReplyEnd::Cut},
       {"cut", "<code>look(a=[1", {"call 0: look", "arguments 0: {\"a\": [", "unfinished 0"}, ReplyEnd::Cut}});
}

// Source  Google's page on function calling with Gemma 3.
TEST(Gemma3Format, TellsTheSameEventsForAnySplit) {
  expect_golden(
      kGemma3Format,
      {{"a list", "[look(at=\"sky\")]", {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
       {"a block",
        "```tool_code\nget_weather(city=\"Paris\")\n```",
        {"call 0: get_weather", "arguments 0: {\"city\": \"Paris\"}", "end 0"}},
       {"printed",
        "Well:\n```tool_code\nprint(look(a=1))\nprint(look(a=2))\n```\nSo.",
        {"text: Well:", "call 0: look", "arguments 0: {\"a\": 1}", "end 0", "call 1: look", "arguments 1: {\"a\": 2}",
         "end 1", "text: So."}},
       {"JSON",
        "{\"name\": \"look\", \"parameters\": {\"a\": 1}}",
        {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"JSON in a fence",
        "```json\n{\n \"name\": \"look\", \"arguments\": {}}\n```",
        {"call 0: look", "arguments 0: {}", "end 0"}},
       {"other JSON", "```json\n{\"name\": \"Ada\"}\n```", {"text: ```json\n{\"name\": \"Ada\"}\n```"}},
       {"other code", "```python\nlook(a=1)\n```", {"text: ```python\nlook(a=1)\n```"}},
       {"cut in JSON", "{\"name\": \"lo", {"text: {\"name\": \"lo"}, ReplyEnd::Cut},
       {"cut in a fence", "```json\n{\"name\": \"lo", {"text: ```json\n{\"name\": \"lo"}, ReplyEnd::Cut},
       {"other lists", "[fly(a=1)] {", {"text: [fly(a=1)] {"}},
       {"cut", "[look(at=\"s", {"call 0: look", "arguments 0: {\"at\": \"s", "unfinished 0"}, ReplyEnd::Cut}});
}

// Source  the template of google/gemma-4-31B-it; llama.cpp's test-chat has the same form.
TEST(Gemma4Format, TellsTheSameEventsForAnySplit) {
  expect_golden(
      kGemma4Format,
      {{"one call",
        "<|tool_call>call:look{at:<|\"|>a \"quoted\" sky\n<|\"|>,n:5,b:true,o:{x:[1,null],<|\"|>y "
        "z<|\"|>:-2.5}}<tool_call|>",
        {"call 0: look",
         "arguments 0: {\"at\": \"a \\\"quoted\\\" sky\\n\", \"n\": 5, \"b\": true, \"o\": {\"x\": [1, null], \"y z\": "
         "-2.5}}",
         "end 0"}},
       {"two calls, and a result begins",
        "Now.<|tool_call>call:look{}<tool_call|><|tool_call>call:get_weather{city:<|\"|>Zürich<|\"|>}<tool_call|>"
        "<|tool_response>response:",
        {"text: Now.", "call 0: look", "arguments 0: {}", "end 0", "call 1: get_weather",
         "arguments 1: {\"city\": \"Zürich\"}", "end 1"}},
       {"no closer", "<|tool_call>call:look{a:1}", {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"no opener", "call:look{a:1}<tool_call|>", {"call 0: look", "arguments 0: {\"a\": 1}", "end 0"}},
       {"JSON's quotes",
        "<|tool_call>call:look{\"a\":\"x\"}<tool_call|>",
        {"call 0: look", "arguments 0: {\"a\": \"x\"}", "end 0"}},
       {"a marker in a text",
        "<|tool_call>call:look{a:<|\"|>}<tool_call|><|\"<|\"|>}<tool_call|>",
        {"call 0: look", "arguments 0: {\"a\": \"}<tool_call|><|\\\"\"}", "end 0"}},
       {"words",
        "<|tool_call>call:look{a:celsius}<tool_call|>",
        {"call 0: look", "arguments 0: {\"a\": \"celsius\"}", "end 0"}},
       {"an unknown name", "<|tool_call>call:fly{}<tool_call|>", {"call 0: fly", "arguments 0: {}", "end 0"}},
       {"cut",
        "<|tool_call>call:look{a:<|\"|>x<|",
        {"call 0: look", "arguments 0: {\"a\": \"x", "unfinished 0"},
        ReplyEnd::Cut},
       {"no call", "<|tool_call>no<tool_call|>", {"text: <|tool_call>no<tool_call|>"}}});
}

TEST(Gemma4Format, PartsItsThoughts) {
  const ReplyFormatOptions options{
      .thinking_opener = "<|channel>thought", .thinking_closer = "<channel|>", .tools = {"look"}};
  EXPECT_THAT(
      test::parse(kGemma4Format, options,
                  {"<|channel>", "thought\nI look.\n<channel|><|tool_call>call:look{}<tool_call|>"}, ReplyEnd::Whole),
      ElementsAre("thinking: I look.", "call 0: look", "arguments 0: {}", "end 0"));
}

// Source  the model card of google/functiongemma-270m-it.
TEST(FunctionGemmaFormat, TellsTheSameEventsForAnySplit) {
  expect_golden(
      kFunctionGemmaFormat,
      {{"the model card's",
        "<start_function_call>call:get_current_temperature{location:<escape>London<escape>}<end_function_call>",
        {"call 0: get_current_temperature", "arguments 0: {\"location\": \"London\"}", "end 0"}},
       {"two calls, and a result begins",
        "<start_function_call>call:look{n:5,l:[<escape>a<escape>,<escape><escape>]}<end_function_call>"
        "<start_function_call>call:look{}<end_function_call><start_function_response>",
        {"call 0: look", "arguments 0: {\"n\": 5, \"l\": [\"a\", \"\"]}", "end 0", "call 1: look", "arguments 1: {}",
         "end 1"}},
       {"no closer", "<start_function_call>call:look{}", {"call 0: look", "arguments 0: {}", "end 0"}},
       {"cut",
        "<start_function_call>call:look{n:5",
        {"call 0: look", "arguments 0: {\"n\": ", "unfinished 0"},
        ReplyEnd::Cut},
       {"no call", "<start_function_call>call", {"text: <start_function_call>call"}}});
}

TEST(FunctionGemmaFormat, IsOverWhereAResultBegins) {
  const auto format = kFunctionGemmaFormat.make({.tools = {"look"}});
  ReplyEvents events;
  format->push({.text = "<start_function_call>call:look{}<end_function_call>"}, events);
  EXPECT_FALSE(format->is_over());
  format->push({.text = "<start_function_response>"}, events);
  EXPECT_TRUE(format->is_over());
}

}  // namespace
}  // namespace llama::internal
