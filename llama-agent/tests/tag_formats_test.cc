#include "../src/reply/tag_formats.h"

#include <gmock/gmock.h>

#include "golden_replies.h"

namespace llama::internal {
namespace {

using test::Golden;

// Source   the templates' own examples; llama.cpp's tests of Qwen3-Coder and GLM replies (tests/test-chat.cpp).
const std::vector<Golden>& qwen_coder_conversations() {
  static const std::vector<Golden> all{
      {"one call",
       "<tool_call>\n<function=look>\n<parameter=at>\nsky\n</parameter>\n<parameter=n>\n2\n</parameter>\n</function>\n"
       "</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\", \"n\": 2}", "end 0"}},
      {"text and a thought before",
       "<think>\nHm.\n</think>\n\nI will look.\n<tool_call>\n<function=look>\n</function>\n</tool_call>",
       {"thinking: Hm.", "text: I will look.", "call 0: look", "arguments 0: {}", "end 0"}},
      {"two calls in one opener",
       "<tool_call>\n<function=look>\n<parameter=at>\na\n</parameter>\n</function>\n<function=get_weather>\n"
       "<parameter=city>\nZürich\n</parameter>\n</function>\n</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"a\"}", "end 0", "call 1: get_weather",
        "arguments 1: {\"city\": \"Zürich\"}", "end 1"}},
      {"two calls, each in its own, and text after",
       "<tool_call>\n<function=look>\n</function>\n</tool_call>\n<tool_call>\n<function=look>\n</function>\n</"
       "tool_call>\n"
       "Done.",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: look", "arguments 1: {}", "end 1", "text: Done."}},
      {"no opener",
       "<function=look>\n<parameter=at>\nsky\n</parameter>\n</function>\n</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
      {"no opener, and no tool", "<function=x>\nis text", {"text: <function=x>\nis text"}},
      {"no closer",
       "<tool_call>\n<function=look>\n<parameter=at>\nsky\n</parameter>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
      {"no end of the function",
       "<tool_call>\n<function=look>\n<parameter=at>\nsky\n</parameter>\n</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
      {"an unknown name",
       "<tool_call>\n<function=fly>\n</function>\n</tool_call>",
       {"call 0: fly", "arguments 0: {}", "end 0"}},
      {"cut by the limit",
       "<tool_call>\n<function=look>\n<parameter=at>\nsk",
       {"call 0: look", "arguments 0: {\"at\": ", "unfinished 0"},
       ReplyEnd::Cut},
      {"cut before the name", "Hm. <tool_call>\n<func", {"text: Hm.", "call 0: ", "unfinished 0"}, ReplyEnd::Cut},
      {"ended before the name", "Hm. <tool_call>\n<func", {"text: Hm. <tool_call>\n<func"}},
      {"the second one cut in its opener",
       "<tool_call>\n<function=look>\n</function>\n</tool_call>\n<tool_",
       {"call 0: look", "arguments 0: {}", "end 0", "call 1: ", "unfinished 1"},
       ReplyEnd::Cut},
      {"cut in the closer",
       "<tool_call>\n<function=look>\n</function>\n</tool_",
       {"call 0: look", "arguments 0: {}", "end 0"},
       ReplyEnd::Cut},
      {"half a closer too many",
       "<tool_call>\n<function=look>\n</function>\n</tool_call>\n</func",
       {"call 0: look", "arguments 0: {}", "end 0"}},
      {"lines, tags and quotes in a value",
       "<tool_call>\n<function=look>\n<parameter=at>\ndef f():\n  return "
       "\"</p>\"\n\n</parameter>\n</function>\n</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"def f():\\n  return \\\"</p>\\\"\\n\"}", "end 0"}},
      {"a list, a large number and a word",
       "<tool_call>\n<function=look>\n<parameter=a>\n[1, 2]\n</parameter>\n<parameter=b>\n12345678901234567890\n"
       "</parameter>\n<parameter=c>\nnull and void\n</parameter>\n</function>\n</tool_call>",
       {"call 0: look", "arguments 0: {\"a\": [1, 2], \"b\": 12345678901234567890, \"c\": \"null and void\"}",
        "end 0"}},
      {"an opener without a call", "<tool_call>\nnothing", {"text: <tool_call>\nnothing"}},
      {"a thought without its closer",
       "I think so.\n<tool_call>\n<function=look>\n</function>\n</tool_call>",
       {"thinking: I think so.", "call 0: look", "arguments 0: {}", "end 0"},
       ReplyEnd::Whole,
       true},
  };
  return all;
}

const std::vector<Golden>& glm_conversations() {
  static const std::vector<Golden> all{
      {"one call",
       "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>sky</arg_value>\n<arg_key>n</arg_key>\n<arg_value>2</"
       "arg_value>\n"
       "</tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\", \"n\": 2}", "end 0"}},
      {"without parameters", "<tool_call>look\n</tool_call>", {"call 0: look", "arguments 0: {}", "end 0"}},
      {"without a line break", "<tool_call>look</tool_call>", {"call 0: look", "arguments 0: {}", "end 0"}},
      {"two calls, text before",
       "I "
       "look.\n<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>a</arg_value>\n</tool_call>\n<tool_call>get_weather\n"
       "<arg_key>city</arg_key>\n<arg_value>[\"x\"]</arg_value>\n</tool_call>",
       {"text: I look.", "call 0: look", "arguments 0: {\"at\": \"a\"}", "end 0", "call 1: get_weather",
        "arguments 1: {\"city\": [\"x\"]}", "end 1"}},
      {"no closer",
       "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>sky</arg_value>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
      {"cut in a value",
       "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>sk",
       {"call 0: look", "arguments 0: {\"at\": ", "unfinished 0"},
       ReplyEnd::Cut},
      {"cut in the name", "<tool_call>lo", {"call 0: ", "unfinished 0"}, ReplyEnd::Cut},
      {"cut in the name of no tool", "<tool_call>fl", {"text: <tool_call>fl"}, ReplyEnd::Cut},
  };
  return all;
}

const std::vector<Golden>& minimax_conversations() {
  static const std::vector<Golden> all{
      {"two calls",
       "<minimax:tool_call>\n<invoke name=\"look\">\n<parameter name=\"at\">sky</parameter>\n</invoke>\n"
       "<invoke name=\"get_weather\">\n<parameter name=\"n\">3</parameter>\n</invoke>\n</minimax:tool_call>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0", "call 1: get_weather", "arguments 1: {\"n\": 3}",
        "end 1"}},
      {"cut behind a parameter",
       "<minimax:tool_call>\n<invoke name=\"look\">\n<parameter name=\"at\">sky</parameter>",
       {"call 0: look", "arguments 0: {\"at\": \"sky\"", "unfinished 0"},
       ReplyEnd::Cut},
  };
  return all;
}

const std::vector<Golden>& minicpm_conversations() {
  static const std::vector<Golden> all{
      {"one call, text around",
       "Look:\n<function name=\"look\"><param name=\"at\">sky</param></function> Done.",
       {"text: Look:", "call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0", "text: Done."}},
      {"no tool", "<function name=\"x\"> is HTML", {"text: <function name=\"x\"> is HTML"}},
  };
  return all;
}

const std::vector<Golden>& dsml_conversations() {
  static const std::vector<Golden> all{
      {"texts and JSON",
       "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"look\">\n<｜DSML｜parameter name=\"at\" string=\"true\">5"
       "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\" "
       "string=\"false\">[5]</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
       "</｜DSML｜function_calls>",
       {"call 0: look", "arguments 0: {\"at\": \"5\", \"n\": [5]}", "end 0"}},
  };
  return all;
}

const std::vector<std::pair<const ReplyFormatKind*, const std::vector<Golden>*>>& tag_families() {
  static const std::vector<std::pair<const ReplyFormatKind*, const std::vector<Golden>*>> all{
      {&kQwenCoderFormat, &qwen_coder_conversations()},
      {&kGlmFormat, &glm_conversations()},
      {&kMiniMaxFormat, &minimax_conversations()},
      {&kMiniCpmFormat, &minicpm_conversations()},
      {&kDsmlFormat, &dsml_conversations()}};
  return all;
}

TEST(TagFormats, AnySplitTellsTheSame) {
  for (const auto& [kind, conversations] : tag_families()) {
    SCOPED_TRACE(kind->name);
    test::expect_lines_for_any_split(*kind, *conversations);
  }
}

TEST(TagFormats, NothingIsTakenBack) {
  for (const auto& [kind, conversations] : tag_families()) {
    SCOPED_TRACE(kind->name);
    test::expect_nothing_is_taken_back(*kind, *conversations);
  }
}

TEST(TagFormats, TheSchemaSaysWhatAValueIs) {
  const ReplyFormatOptions options{
      .tools = {"look"},
      .tool_parameters = {R"({"type": "object", "properties": {"at": {"type": "string"}, "n": {"type": "integer"}, )"
                          R"("e": {"enum": ["1", "2"]}}})"}};
  const std::string reply =
      "<tool_call>\n<function=look>\n<parameter=at>\n5\n</parameter>\n<parameter=n>\n5\n</"
      "parameter>\n<parameter=e>\n1\n"
      "</parameter>\n<parameter=other>\n5\n</parameter>\n</function>\n</tool_call>";
  EXPECT_THAT(test::parse(kQwenCoderFormat, options, {reply}, ReplyEnd::Whole),
              testing::ElementsAre("call 0: look", "arguments 0: {\"at\": \"5\", \"n\": 5, \"e\": \"1\", \"other\": 5}",
                                   "end 0"));
}

TEST(TagFormats, ATextIsToldWhileItIsWritten) {
  const ReplyFormatOptions options{.tools = {"look"},
                                   .tool_parameters = {R"({"properties": {"at": {"type": "string"}}})"}};
  const auto format = kQwenCoderFormat.make(options);
  ReplyEvents events;
  format->push({.text = "<tool_call>\n<function=look>\n<parameter=at>\nline one\nline \"two"}, events);
  EXPECT_THAT(test::lines_of(events),
              testing::ElementsAre("call 0: look", "arguments 0: {\"at\": \"line one\\nline \\\"two"));
}

}  // namespace
}  // namespace llama::internal
