// A reply of any length is read in one pass: white space without an end, names without an end, thousands of calls.
//
// What is looked at again with each byte, or moved with each marker, takes minutes here and fails by the test's limit.
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "../src/reply/reply_format.h"
#include "../src/reply/spoken_calls.h"
#include "golden_replies.h"

namespace llama::internal {
namespace {

constexpr std::size_t kLong = std::size_t{1} << 18;

std::string filled(std::string_view beginning, std::string_view filler, std::size_t bytes = kLong) {
  std::string text(beginning);
  while (text.size() < bytes) text += filler;
  return text;
}

ReplyFormatOptions long_reply_options() {
  return {.thinking_opener = "<think>", .thinking_closer = "</think>", .tools = {"look", "get_weather"}};
}

std::vector<std::string> read_long(std::string_view kind, std::string_view reply, std::size_t piece, bool is_spoken) {
  const ReplyFormatOptions options = long_reply_options();
  auto format = reply_format_named(kind).make(options);
  if (is_spoken) format = read_spoken_calls(std::move(format), options);
  ReplyEvents events;
  for (; reply.size() > piece; reply.remove_prefix(piece)) format->push({.text = reply.substr(0, piece)}, events);
  format->push({.text = reply}, events);
  format->finish(ReplyEnd::Whole, events);
  return test::lines_of(events);
}

TEST(LongReply, OfWhiteSpaceAnywhereIsReadInOnePass) {
  struct Row {
    std::string kind, beginning, filler = " ";
    bool is_spoken = false;
  };
  const std::string call = R"(<tool_call>{"name": "look", "arguments": {}})";
  const std::string qwen = "<tool_call><function=look>";
  const std::vector<Row> rows{
      {"text", ""},
      {"text", "<think>"},
      {"text", "<think>Hm."},
      {"text", "<think>Hm.", "\n"},
      {"text", "<think>Hm.</think>"},
      {"qwen3-coder", "Hm."},
      {"qwen3-coder", "<think>Hm.", "\n"},
      {"qwen3-coder", "<tool_call>", "\n"},
      {"qwen3-coder", "<tool_call><function=look"},
      {"qwen3-coder", qwen},
      {"qwen3-coder", qwen + "<parameter=at", "k"},
      {"qwen3-coder", qwen + "<parameter=at>"},
      {"qwen3-coder", qwen + "</function>", "\n"},
      {"qwen3-coder", qwen + "</function></tool_call>", "\n"},
      {"glm", "Hm."},
      {"glm", "A text ", "of words "},
      {"glm", "<tool_call>", "\n"},
      {"glm", "<tool_call>look\n<arg_key>at</arg_key>"},
      {"minicpm", "A text ", "of words "},
      {"dsml", "<｜DSML｜function_calls><｜DSML｜invoke name=\"look\"><｜DSML｜parameter name=\"at\""},
      {"lfm", "Hm.", "\n"},
      {"lfm", "<|tool_call_start|>"},
      {"gemma3", "Hm."},
      {"smollm3", "<tool_call>"},
      {"smollm3", call},
      {"smollm3", call + "</tool_call>"},
      {"hermes", "Hm."},
      {"hermes", "{"},
      {"hermes", R"({"name")"},
      {"hermes", "<tool_call>"},
      {"hermes", "<tool_call>```json", "\n"},
      {"hermes", call},
      {"hermes", call + "</tool_call>"},
      {"mistral-args", "[TOOL_CALLS]look[ARGS]"},
      {"mistral-args", "[TOOL_CALLS]look[ARGS]```json"},
      {"llama3", "<|python_tag|>"},
      {"harmony", "<|channel|>commentary to=functions.look<|message|>"},
      {"generic", ""},
      {"generic", "{"},
      {"generic", R"({"response":)"},
      {"hermes", "", " ", true},
      {"hermes", "call", " ", true},
      {"hermes", "call look with", " ", true},
  };
  for (const auto& [kind, beginning, filler, is_spoken] : rows) {
    SCOPED_TRACE(kind + ": " + beginning);
    const std::string reply = filled(beginning, filler) + "x";
    EXPECT_EQ(read_long(kind, reply, 1, is_spoken), read_long(kind, reply, reply.size(), is_spoken));
  }
}

TEST(LongReply, OfManyMarkersInOnePieceIsReadInOnePass) {
  struct Row {
    std::string kind, beginning, filler;
  };
  const std::vector<Row> rows{
      {"qwen3-coder", "<tool_call><function=look>", "<parameter=a>x</parameter>"},
      {"qwen3-coder", "", "<tool_call><function=look></function></tool_call>"},
      {"qwen3-coder", "", "<tool_call>"},
      {"glm", "", "<tool_call>"},
      {"hermes", "", "<tool_call>"},
      {"hermes", "", R"(<tool_call>{"name": "look", "arguments": {}}</tool_call>)"},
      {"hermes", "", R"(<tool_call>["<tool_call>"})"},
      {"hermes", R"(<tool_call>{"x":[")", "<tool_call>"},
      {"smollm3", "", R"(<tool_call>{"name": "look", "arguments": {}}</tool_call>)"},
      {"harmony", "", "<|channel|>final<|message|>x<|end|>"},
  };
  for (const auto& [kind, beginning, filler] : rows) {
    SCOPED_TRACE(kind + ": " + filler);
    const std::string reply = filled(beginning, filler);
    EXPECT_EQ(read_long(kind, reply, reply.size(), false), read_long(kind, reply, 1000, false));
  }
}

// Each opener begins an object that has the rest in it, and turns out to be no call behind all of it.
TEST(LongReply, OfCallsInCallsThatAreNoneIsText) {
  for (const std::string_view kind : {"hermes", "smollm3"}) {
    std::string reply;
    for (int i = 0; i < 20'000; ++i) reply += R"(<tool_call>{"x":[)";
    for (int i = 0; i < 20'000; ++i) reply += "]}";
    const auto whole = read_long(kind, reply, reply.size(), false);
    ASSERT_EQ(whole.size(), 1U) << kind;
    EXPECT_EQ(whole[0].size(), std::string_view("text: ").size() + reply.size()) << kind;
    EXPECT_EQ(read_long(kind, reply, 7, false), whole) << kind;
  }
}

// Of a family that has no opener around its calls all of it was held back until the end.
TEST(LongReply, IsToldAsItComesWhereTheFamilyHasNoOpener) {
  for (const std::string_view kind : {"glm", "minicpm"}) {
    const auto format = reply_format_named(kind).make(long_reply_options());
    ReplyEvents events;
    format->push({.text = "Some words, "}, events);
    format->push({.text = kind == "glm" ? "and more <tool" : "and more <func"}, events);
    EXPECT_THAT(test::lines_of(events), testing::ElementsAre("text: Some words, and more")) << kind;
  }
}

}  // namespace
}  // namespace llama::internal
