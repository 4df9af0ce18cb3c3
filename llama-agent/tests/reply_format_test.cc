#include "../src/reply/reply_format.h"

#include <gmock/gmock.h>

#include "../src/reply/hermes_format.h"
#include "../src/reply/reply.h"
#include "../src/tools/grammar/call_pattern.h"
#include "golden_replies.h"

namespace llama::internal {
namespace {

using test::lines_of;
using testing::ElementsAre;

const std::vector<std::string> kTools{"look", "get_weather"};

// Else a call that must come would not be held to anything, and nobody would be told.
TEST(ReplyFormat, OfCallsHasAPatternOrAnOpenerThatGrammarsAreMadeOf) {
  for (const ReplyFormatKind* kind : reply_formats()) {
    const bool is_known = call_pattern_of(kind->name) != nullptr || !call_opener_of(kind->name).empty();
    // Gemma 3 writes calls as Python between no markers, or none at all; a text has none.
    EXPECT_EQ(is_known, kind->name != "gemma3" && kind->name != "text") << kind->name;
  }
}

TEST(ReplyFormat, IsChosenByTheTemplate) {
  EXPECT_EQ(choose_reply_format({.source = "…<tool_call>…"}).name, "hermes");
  EXPECT_EQ(choose_reply_format({.source = "…<tool_call>\n<function=…<parameter=…"}).name, "qwen3-coder");
  EXPECT_EQ(choose_reply_format({.source = "…<tool_call>{name}\n<arg_key>…"}).name, "glm");
  EXPECT_EQ(choose_reply_format({.source = "…<minimax:tool_call>…"}).name, "minimax");
  EXPECT_EQ(choose_reply_format({.source = "…<param name=…"}).name, "minicpm");
  EXPECT_EQ(choose_reply_format({.source = "…<｜DSML｜function_calls>…"}).name, "dsml");
  EXPECT_EQ(choose_reply_format({.source = "…<｜DSML｜tool_calls>…"}).name, "dsml-4");
  EXPECT_EQ(choose_reply_format({.source = "…"}).name, "text");
  const auto chosen = [](std::string_view source) { return choose_reply_format({.source = source}).name; };
  EXPECT_EQ(chosen("<|start_header_id|> … ipython"), "llama3");
  EXPECT_EQ(chosen("<|start_header_id|> … ipython … <|python_tag|>"), "llama3");
  EXPECT_EQ(chosen("[TOOL_CALLS]"), "mistral");
  EXPECT_EQ(chosen("[TOOL_CALLS] … [ARGS]"), "mistral-args");
  EXPECT_EQ(chosen("[TOOL_CALLS] … [CALL_ID] … [ARGS]"), "mistral-call-id");
  EXPECT_EQ(chosen("<|start_header_id|> … ipython … <|python_tag|> … <function="), "functionary31");
  EXPECT_EQ(chosen("<|start_header_id|> … >>>all"), "functionary32");
  EXPECT_EQ(chosen("Action: … tool_name"), "command-r");
  EXPECT_EQ(chosen("Action: … tool_name … <|START_ACTION|>"), "command-r7b");
  EXPECT_EQ(chosen("<｜tool▁sep｜> … ```json"), "deepseek-r1");
  EXPECT_EQ(chosen("<｜tool▁sep｜>"), "deepseek-v3.1");
  EXPECT_EQ(chosen("<|start_of_role|> … <|tool_call|>"), "granite3");
  EXPECT_EQ(chosen("<|start_of_role|> … <tool_call>"), "hermes") << "Granite 4";
  EXPECT_EQ(chosen("<|tool|>"), "phi4");
  EXPECT_EQ(chosen("<|channel|> … <|message|>"), "harmony");
  EXPECT_EQ(chosen("<|tool_calls_section_begin|>"), "kimi-k2");
  EXPECT_EQ(chosen("<TOOLCALL>"), "nemotron");
  EXPECT_EQ(chosen("<|tools_prefix|>"), "apertus");
  EXPECT_EQ(chosen("<tool_calls>"), "tool-calls");
  EXPECT_EQ(chosen("<seed:tool_call> … <function= … <parameter="), "seed-oss");
  EXPECT_EQ(chosen("<|tool_call>call:"), "gemma4");
  EXPECT_EQ(chosen("<start_function_call>"), "function-gemma");
  EXPECT_EQ(chosen("<|tool_list_start|>"), "lfm");
  EXPECT_EQ(chosen("List of tools: ["), "lfm") << "LFM2.5";
  EXPECT_EQ(chosen("<tool_call> … <code>"), "smollm3");
  EXPECT_EQ(chosen("<start_of_turn>"), "text") << "Gemma 3's own forms are chosen by name";
}

TEST(ReplyFormat, IsFoundByItsName) {
  EXPECT_GE(reply_formats().size(), 2U);
  for (const ReplyFormatKind* kind : reply_formats()) EXPECT_EQ(&reply_format_named(kind->name), kind) << kind->name;
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

// gpt-oss may think again when it has answered.
TEST(Reply, TellsNoThoughtBehindAStopString) {
  ReplyRules rules;
  rules.format = &reply_format_named("harmony");
  rules.stopping.stop_strings = {"STOP"};
  Reply reply(rules);
  const StreamChunk chunk = reply.push(
      {.bytes =
           "<|channel|>final<|message|>One STOP<|end|><|start|>assistant<|channel|>analysis<|message|>Two<|end|>"});
  EXPECT_THAT(lines_of(chunk.events), ElementsAre("text: One "));
  EXPECT_EQ(reply.finished(), FinishReason::StopString);
  EXPECT_EQ(reply.thinking(), "");
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
