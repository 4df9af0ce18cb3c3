// The loop with calls as the families of models write them: texts of model cards, of templates and of llama.cpp's
// tests.
#include <nlohmann/json.hpp>

#include "run_fixture.h"

namespace llama {
namespace {

struct FamilyRun {
  std::string format;
  std::string markers;  // what tells the family, somewhere in its template
  std::string call;
  std::string answer = "Done.";
};

const std::vector<FamilyRun>& family_runs() {
  static const std::vector<FamilyRun> all{
      {"hermes", "", "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"sky\"}}\n</tool_call>"},
      {"llama3", "<|python_tag|>", R"({"name": "look", "parameters": {"at": "sky"}})"},
      {"mistral", "[TOOL_CALLS]", R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "sky"}, "id": "123456789"}])"},
      {"mistral-call-id", "[TOOL_CALLS][CALL_ID]", R"([TOOL_CALLS]look[CALL_ID]123456789[ARGS]{"at": "sky"})"},
      {"mistral-args", "[TOOL_CALLS][ARGS]", R"([TOOL_CALLS]look[ARGS]{"at": "sky"})"},
      {"qwen3-coder", "<tool_call><function=<parameter=",
       "<tool_call>\n<function=look>\n<parameter=at>\nsky\n</parameter>\n</function>\n</tool_call>"},
      {"glm", "<tool_call><arg_key>",
       "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>sky</arg_value>\n</tool_call>"},
      {"minimax", "<minimax:tool_call>",
       "<minimax:tool_call>\n<invoke name=\"look\">\n<parameter name=\"at\">sky</parameter>\n</invoke>\n"
       "</minimax:tool_call>"},
      {"kimi-k2", "<|tool_calls_section_begin|>",
       "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"at\": \"sky\"}"
       "<|tool_call_end|><|tool_calls_section_end|>"},
      {"deepseek-v3.1", "<｜tool▁sep｜>",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{\"at\": "
       "\"sky\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
      {"harmony", "<|channel|><|message|>",
       "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"at\": \"sky\"}<|call|>",
       "<|channel|>final<|message|>Done."},
      {"lfm", "<|tool_call_start|>", "<|tool_call_start|>[look(at=\"sky\")]<|tool_call_end|>"},
  };
  return all;
}

class AgentRunFamilies : public AgentRunTest {};

TEST_F(AgentRunFamilies, EachGoesFromItsCallToItsAnswer) {
  add(
      "look", [](const std::string& arguments, const ToolContext&) { return ToolResult{arguments}; },
      R"({"type":"object","properties":{"at":{"type":"string"}},"required":["at"]})");
  for (const auto& family : family_runs()) {
    SCOPED_TRACE(family.format);
    markers_ = family.markers;
    events_.clear();
    play({family.call, family.answer});
    EXPECT_EQ(server_->chat_template().reply_format(), family.format);
    const auto response = run();
    EXPECT_EQ(response.end, RunEnd::Answered);
    EXPECT_EQ(response.reply.generated_text, "Done.");
    ASSERT_EQ(response.calls.size(), 1U);
    EXPECT_TRUE(response.calls[0].was_run);
    EXPECT_EQ(nlohmann::json::parse(response.calls[0].result.text), nlohmann::json({{"at", "sky"}}));
    EXPECT_EQ(told<ToolCallBegun>().size(), 1U);
  }
}

// The opener was once read from a text that had gone; one of more than 15 bytes showed it.
TEST_F(AgentRunFamilies, ACallThatMustComeMayBeThoughtAboutFirst) {
  struct Row {
    std::string markers, thought, call;
  };
  const Row rows[] = {
      {"<tool_call><|START_THINKING|>", "<|START_THINKING|>hm<|END_THINKING|>", hermes_call("look")},
      {"<|START_ACTION|>", "<|START_THINKING|>hm<|END_THINKING|>",
       R"(<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "look", "parameters": {}}]<|END_ACTION|>)"},
      {"<|tools_prefix|>", "<|inner_prefix|>hm<|inner_suffix|>", R"(<|tools_prefix|>[{"look": {}}]<|tools_suffix|>)"},
      {"<|channel|><|message|>", "<|channel|>analysis<|message|>hm<|end|>",
       "<|start|>assistant<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>"},
      {"<|tool_call|>start_of_role", "<think>hm</think>", R"(<|tool_call|>[{"name": "look", "arguments": {}}])"},
  };
  add("look", [](const auto&, const auto&) { return ToolResult{"blue"}; });
  for (const auto& [markers, thought, call] : rows) {
    SCOPED_TRACE(markers);
    std::vector<std::string> grammars;
    markers_ = markers;
    events_.clear();
    play({thought + call, "Done."}, {.grammars = &grammars});
    request_.generation.tool_choice = {.kind = ToolChoice::Kind::Required};
    EXPECT_EQ(run().end, RunEnd::Answered);
    std::string thoughts;
    for (const auto& event : told<ThinkingEvent>()) thoughts += event.text;
    EXPECT_EQ(thoughts, "hm");
    EXPECT_EQ(told<ToolCallBegun>().size(), 1U);
    ASSERT_FALSE(grammars.empty());
    const std::string opener = thought.substr(0, thought.find("hm"));
    EXPECT_NE(grammars[0].find(opener), std::string::npos) << grammars[0].substr(0, 500);
  }
}

}  // namespace
}  // namespace llama
