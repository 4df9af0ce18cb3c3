// Calls as the templates of their families write them into a history: read back, they are the calls that were written.
//
// The texts are what Jinja2 made of the templates that llama.cpp ships, of one message with two calls.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "../src/reply/reply_format.h"
#include "golden_replies.h"

namespace llama::internal {
namespace {

struct RenderedCalls {
  std::string_view origin, format;
  std::string text;
};

// Three templates write the same and differ in what stands between two calls, and in their end.
std::string qwen_coder_calls(std::string_view between) {
  const std::string first =
      "<tool_call>\n"
      "<function=look>\n"
      "<parameter=at>\n"
      "a <b> \"quoted\" sky\n"
      "above\n"
      "</parameter>\n"
      "<parameter=n>\n"
      "5\n"
      "</parameter>\n"
      "<parameter=f>\n"
      "True\n"
      "</parameter>\n"
      "<parameter=o>\n"
      "{\"x\": [1, null], \"y\": \"z\"}\n"
      "</parameter>\n"
      "<parameter=s>\n"
      "7\n"
      "</parameter>\n"
      "</function>\n"
      "</tool_call>";
  const std::string second =
      "<tool_call>\n"
      "<function=look>\n"
      "<parameter=at>\n"
      "x\n"
      "</parameter>\n"
      "</function>\n"
      "</tool_call>";
  return first + std::string(between) + second;
}

const std::vector<RenderedCalls>& rendered_calls() {
  static const std::vector<RenderedCalls> all{
      {"Qwen3-Coder", "qwen3-coder", qwen_coder_calls("\n")},
      {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3-coder", qwen_coder_calls("\n") + "\n"},
      {"StepFun3.5-Flash", "qwen3-coder", qwen_coder_calls("")},
      {"ByteDance-Seed-OSS", "seed-oss",
       "<seed:tool_call>\n"
       "<function=look>\n"
       "<parameter=at>a <b> \"quoted\" sky\n"
       "above</parameter>\n"
       "<parameter=n>5</parameter>\n"
       "<parameter=f>True</parameter>\n"
       "<parameter=o>{'x': [1, None], 'y': 'z'}</parameter>\n"
       "<parameter=s>7</parameter>\n"
       "</function>\n"
       "</seed:tool_call>\n"
       "<seed:tool_call>\n"
       "<function=look>\n"
       "<parameter=at>x</parameter>\n"
       "</function>\n"
       "</seed:tool_call>"},
      {"GLM-4.6", "glm",
       "<tool_call>look\n"
       "<arg_key>at</arg_key>\n"
       "<arg_value>a <b> \"quoted\" sky\n"
       "above</arg_value>\n"
       "<arg_key>n</arg_key>\n"
       "<arg_value>5</arg_value>\n"
       "<arg_key>f</arg_key>\n"
       "<arg_value>true</arg_value>\n"
       "<arg_key>o</arg_key>\n"
       "<arg_value>{\"x\": [1, null], \"y\": \"z\"}</arg_value>\n"
       "<arg_key>s</arg_key>\n"
       "<arg_value>7</arg_value>\n"
       "</tool_call>\n"
       "<tool_call>look\n"
       "<arg_key>at</arg_key>\n"
       "<arg_value>x</arg_value>\n"
       "</tool_call>"},
      {"GLM-4.7-Flash", "glm",
       "<tool_call>look<arg_key>at</arg_key><arg_value>a <b> \"quoted\" sky\n"
       "above</arg_value><arg_key>n</arg_key><arg_value>5</arg_value><arg_key>f</arg_key><arg_value>true</"
       "arg_value><arg_key>o</arg_key><arg_value>{\"x\": [1, null], \"y\": "
       "\"z\"}</arg_value><arg_key>s</arg_key><arg_value>7</arg_value></tool_call><tool_call>look<arg_key>at</"
       "arg_key><arg_value>x</arg_value></tool_call>"},
      {"inclusionai-ling-3.0-flash", "glm",
       "<tool_call>look\n"
       "<arg_key>at</arg_key>\n"
       "<arg_value>a <b> \"quoted\" sky\n"
       "above</arg_value><arg_key>n</arg_key>\n"
       "<arg_value>5</arg_value><arg_key>f</arg_key>\n"
       "<arg_value>true</arg_value><arg_key>o</arg_key>\n"
       "<arg_value>{\"x\": [1, null], \"y\": \"z\"}</arg_value><arg_key>s</arg_key>\n"
       "<arg_value>7</arg_value>\n"
       "</tool_call>\n"
       "<tool_call>look\n"
       "<arg_key>at</arg_key>\n"
       "<arg_value>x</arg_value>\n"
       "</tool_call>"},
      {"deepseek-ai-DeepSeek-V3.2", "dsml",
       "<｜DSML｜function_calls>\n"
       "<｜DSML｜invoke name=\"look\">\n"
       "<｜DSML｜parameter name=\"at\" string=\"true\">a <b> \"quoted\" sky\n"
       "above</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"n\" string=\"false\">5</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"f\" string=\"false\">true</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"o\" string=\"false\">{\"x\": [1, null], \"y\": \"z\"}</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"s\" string=\"true\">7</｜DSML｜parameter>\n"
       "</｜DSML｜invoke>\n"
       "<｜DSML｜invoke name=\"look\">\n"
       "<｜DSML｜parameter name=\"at\" string=\"true\">x</｜DSML｜parameter>\n"
       "</｜DSML｜invoke>\n"
       "</｜DSML｜function_calls>"},
      {"deepseek-ai-DeepSeek-V4", "dsml-4",
       "<｜DSML｜tool_calls>\n"
       "<｜DSML｜invoke name=\"look\">\n"
       "<｜DSML｜parameter name=\"at\" string=\"true\">a <b> \"quoted\" sky\n"
       "above</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"n\" string=\"false\">5</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"f\" string=\"false\">true</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"o\" string=\"false\">{\"x\": [1, null], \"y\": \"z\"}</｜DSML｜parameter>\n"
       "<｜DSML｜parameter name=\"s\" string=\"true\">7</｜DSML｜parameter>\n"
       "</｜DSML｜invoke>\n"
       "<｜DSML｜invoke name=\"look\">\n"
       "<｜DSML｜parameter name=\"at\" string=\"true\">x</｜DSML｜parameter>\n"
       "</｜DSML｜invoke>\n"
       "</｜DSML｜tool_calls>"},
      {"MiniMax-M2", "minimax",
       "<minimax:tool_call>\n"
       "<invoke name=\"look\">\n"
       "<parameter name=\"at\">a <b> \"quoted\" sky\n"
       "above</parameter>\n"
       "<parameter name=\"n\">5</parameter>\n"
       "<parameter name=\"f\">true</parameter>\n"
       "<parameter name=\"o\">{\"x\": [1, null], \"y\": \"z\"}</parameter>\n"
       "<parameter name=\"s\">7</parameter>\n"
       "</invoke>\n"
       "<invoke name=\"look\">\n"
       "<parameter name=\"at\">x</parameter>\n"
       "</invoke>\n"
       "</minimax:tool_call>"},
      {"openbmb-MiniCPM5-1B", "minicpm",
       "<function name=\"look\"><param name=\"at\"><![CDATA[a <b> \"quoted\" sky\n"
       "above]]></param><param name=\"n\">5</param><param name=\"f\">True</param><param name=\"o\">{'x': [1, None], "
       "'y': 'z'}</param><param name=\"s\">7</param></function>\n"
       "<function name=\"look\"><param name=\"at\">x</param></function>"},
      {"google-gemma-4-31B-it", "gemma4",
       "<|tool_call>call:look{at:<|\"|>a <b> \"quoted\" sky\n"
       "above<|\"|>,f:true,n:5,o:{x:[1,None],y:<|\"|>z<|\"|>},s:<|\"|>7<|\"|>}<tool_call|><|tool_call>call:look{at:<|"
       "\"|>x<|\"|>}<tool_call|>"},
  };
  return all;
}

TEST(RenderedCalls, AreReadBack) {
  const ReplyFormatOptions options{
      .tools = {"look"},
      .tool_parameters = {
          R"({"properties": {"at": {"type": "string"}, "n": {"type": "integer"}, "f": {"type": "boolean"},
                              "o": {"type": "object"}, "s": {"type": "string"}}})"}};
  const auto written = nlohmann::json::parse(
      R"({"at": "a <b> \"quoted\" sky\nabove", "n": 5, "f": true, "o": {"x": [1, null], "y": "z"}, "s": "7"})");
  for (const auto& rendered : rendered_calls()) {
    SCOPED_TRACE(rendered.origin);
    const ReplyFormatKind& kind = reply_format_named(rendered.format);
    ASSERT_EQ(kind.name, rendered.format);
    for (const ReplyEnd end : {ReplyEnd::Whole, ReplyEnd::Cut}) {
      const auto lines = test::parse(kind, options, {rendered.text}, end);
      ASSERT_EQ(lines.size(), 6U) << testing::PrintToString(lines);
      EXPECT_EQ(lines[0], "call 0: look");
      EXPECT_EQ(nlohmann::json::parse(lines[1].substr(13)), written);
      EXPECT_EQ(lines[2], "end 0");
      EXPECT_EQ(lines[3], "call 1: look");
      EXPECT_EQ(nlohmann::json::parse(lines[4].substr(13)), nlohmann::json::parse(R"({"at": "x"})"));
      EXPECT_EQ(lines[5], "end 1");
    }
  }
}

// What a limit cut is not run, even where its last value is whole.
TEST(RenderedCalls, AreNotWholeWhereTheyWereCutBehindAValue) {
  const std::string reply = "<tool_call>\n<function=look>\n<parameter=a>\nx\n</parameter>\n<par";
  const ReplyFormatKind& kind = reply_format_named("qwen3-coder");
  EXPECT_EQ(test::parse(kind, {.tools = {"look"}}, {reply}, ReplyEnd::Cut).back(), "unfinished 0");
}

TEST(RenderedCalls, HaveMarkupInTextsThatSaySo) {
  const std::vector<test::Golden> conversations{
      {"markup",
       "<function name=\"look\"><param name=\"a\"><![CDATA[\n<b></param>\n]]></param><param "
       "name=\"b\"><![CDATA[7]]></param>"
       "</function>",
       {"call 0: look", "arguments 0: {\"a\": \"\\n<b></param>\\n\", \"b\": \"7\"}", "end 0"}},
      {"cut",
       "<function name=\"look\"><param name=\"a\"><![CDATA[x",
       {"call 0: look", "arguments 0: {\"a\": \"x", "unfinished 0"},
       ReplyEnd::Cut}};
  test::expect_lines_for_any_split(reply_format_named("minicpm"), conversations);
  test::expect_nothing_is_taken_back(reply_format_named("minicpm"), conversations);
}

}  // namespace
}  // namespace llama::internal
