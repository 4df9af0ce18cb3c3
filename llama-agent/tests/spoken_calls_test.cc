// Calls in plain English, around a family's own.
#include "../src/reply/spoken_calls.h"

#include <gtest/gtest.h>

#include "golden_replies.h"
#include "run_fixture.h"

namespace llama {
namespace {

using internal::ReplyEnd;
using internal::ReplyFormatKind;
using internal::ReplyFormatOptions;

// The schema of the second tool has two properties, one of them required.
ReplyFormatOptions with_schemas(ReplyFormatOptions options) {
  options.tool_parameters = {R"({"properties":{"at":{"type":"string"}}})",
                             R"({"properties":{"days":{},"city":{}},"required":["city"]})"};
  return options;
}

const ReplyFormatKind kSpokenFormat{
    .name = "spoken",
    .make =
        [](const ReplyFormatOptions& options) {
          return read_spoken_calls(internal::reply_format_named("hermes").make(options), with_schemas(options));
        },
};

const std::vector<internal::test::Golden>& spoken_replies() {
  static const std::vector<internal::test::Golden> all{
      {"an object",
       "I will.\ncall look with {\"at\": \"sky\"}\nDone.",
       {"text: I will.\n", "call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0", "text: \nDone."}},
      {"any case, quotes, the word arguments",
       "  Call `look` with arguments: {\"at\": 1}",
       {"call 0: look", "arguments 0: {\"at\": 1}", "end 0"}},
      {"over several lines",
       "call look with {\n  \"at\": \"a}b\",\n}\n",
       {"call 0: look", "arguments 0: {\n  \"at\": \"a}b\"}", "end 0", "text: \n"}},
      {"the rest of the line is the only property",
       "call look with the blue sky \ncall get_weather with \"Köln\"\n",
       {"call 0: look", "arguments 0: {\"at\":\"the blue sky\"}", "end 0", "call 1: get_weather",
        "arguments 1: {\"city\":\"Köln\"}", "end 1"}},
      {"no such tool, no beginning of a line, other words",
       "call home with joy\nYou can call look with {}\ncall looks with {}\ncall look without {}\ncalling look with it",
       {"text: call home with joy\nYou can call look with {}\ncall looks with {}\ncall look without {}\n"
        "calling look with it"}},
      {"cut",
       "call look with {\"at\": \"s",
       {"call 0: look", "arguments 0: {\"at\": \"s", "unfinished 0"},
       ReplyEnd::Cut},
      {"cut in a line",
       "call look with the blu",
       {"call 0: look", "arguments 0: {\"at\":\"the blu\"}", "unfinished 0"},
       ReplyEnd::Cut},
      {"ended in its words", "call look wi", {"text: call look wi"}},
      {"the family's own besides, and thoughts untouched",
       "<think>\ncall look with it\n</think>\ncall look with x\n<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n"
       "</tool_call>\ncall look with y",
       {"thinking: call look with it", "call 0: look", "arguments 0: {\"at\":\"x\"}", "end 0", "call 1: look",
        "arguments 1: {}", "end 1", "call 2: look", "arguments 2: {\"at\":\"y\"}", "end 2"}},
  };
  return all;
}

TEST(SpokenCalls, TellTheSameEventsForAnySplit) {
  internal::test::expect_lines_for_any_split(kSpokenFormat, spoken_replies());
}

TEST(SpokenCalls, NothingIsTakenBack) { internal::test::expect_nothing_is_taken_back(kSpokenFormat, spoken_replies()); }

class SpokenRun : public AgentRunTest {};

TEST_F(SpokenRun, CallsOnlyIfAskedFor) {
  const auto look = [](const std::string& arguments, const ToolContext&) { return ToolResult{arguments}; };
  for (const bool is_asked : {false, true}) {
    play({is_asked ? "call look with sky" : "call look with sky, said the bird", "Done."});
    if (!is_asked) add("look", look, R"({"type":"object","properties":{"at":{"type":"string"}}})");
    request_.generation.spoken_calls = is_asked;
    const auto response = run();
    EXPECT_EQ(response.calls.size(), is_asked ? 1U : 0U);
    EXPECT_EQ(response.reply.generated_text, is_asked ? "Done." : "call look with sky, said the bird");
  }
}

}  // namespace
}  // namespace llama
