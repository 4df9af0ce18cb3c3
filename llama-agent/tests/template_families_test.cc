// Published chat templates: which format each one's replies are read with, and that a call which a template writes is
// read back. The templates are those that script/templates fetches.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "../src/reply/reply_format.h"
#include "golden_replies.h"
#include "llama-agent/chat_template.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

// The cache of whoever runs the tests; the programs under test are given another one.
fs::path folder_of_templates() {
  for (const auto& [variable, under] : {std::pair{"XDG_CACHE_HOME", ""}, std::pair{"HOME", ".cache"}}) {
    const char* const base = std::getenv(variable);
    if (base == nullptr || *base == '\0') continue;
    if (fs::path folder = fs::path(base) / under / "llama-cli/models-1/templates"; fs::is_directory(folder))
      return folder;
  }
  return {};
}

std::string source_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Expected {
  std::string_view file, format;
  bool writes_calls = true;  // false: the template itself does not, or not those of every tool
};
constexpr Expected kExpected[]{
    {"Bielik-11B-v3.0-Instruct", "hermes"},
    {"MiMo-VL", "hermes"},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "hermes"},
    {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes"},
    {"Qwen-QwQ-32B", "hermes"},
    {"Qwen-Qwen2.5-7B-Instruct", "hermes"},
    {"Qwen-Qwen3-0.6B", "hermes"},
    {"Reka-Edge", "hermes"},
    {"ibm-granite-granite-4.0", "hermes"},
    {"ibm-granite-granite-4.1", "hermes"},
    {"meta-llama-Llama-3.1-8B-Instruct", "llama3"},
    {"meta-llama-Llama-3.2-3B-Instruct", "llama3"},
    {"meta-llama-Llama-3.3-70B-Instruct", "llama3"},
    {"mistralai-Mistral-Nemo-Instruct-2407", "mistral"},
    {"Mistral-Small-3.2-24B-Instruct-2506", "mistral-call-id"},
    {"mistralai-Ministral-3-14B-Reasoning-2512", "mistral-args"},
    {"unsloth-mistral-Devstral-Small-2507", "mistral-args"},
    {"meetkai-functionary-medium-v3.1", "functionary31"},
    {"meetkai-functionary-medium-v3.2", "functionary32"},
    {"CohereForAI-c4ai-command-r-plus-tool_use", "command-r"},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command-r7b"},
    {"Cohere2MoE", "command-r7b"},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek-r1"},
    {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1"},
    {"llama-cpp-deepseek-r1", "deepseek-r1"},
    {"deepseek-ai-DeepSeek-V3.1", "deepseek-v3.1"},
    {"ibm-granite-granite-3.3-2B-Instruct", "granite3", false},
    {"fireworks-ai-llama-3-firefunction-v2", "phi4"},
    {"openai-gpt-oss-120b", "harmony"},
    {"Kimi-K2-Instruct", "kimi-k2"},
    {"Kimi-K2-Thinking", "kimi-k2"},
    {"moonshotai-Kimi-K2", "kimi-k2"},
    {"NVIDIA-Nemotron-Nano-v2", "nemotron"},
    {"Apertus-8B-Instruct", "apertus"},
    {"Apriel-1.6-15b-Thinker-fixed", "tool-calls"},
    {"unsloth-Apriel-1.5", "tool-calls"},
    {"MiniMax-M1", "tool-calls"},
    {"Qwen3-Coder", "qwen3-coder"},
    {"Qwen3.5-4B", "qwen3-coder"},
    {"StepFun3.5-Flash", "qwen3-coder"},
    {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3-coder"},
    {"GLM-4.6", "glm"},
    {"GLM-4.7-Flash", "glm"},
};

// A reply as the template writes it into a conversation, behind the prompt that asks for it.
struct Written {
  std::string reply;
  bool thinking_is_open = false;
};
Result<Written> written_reply(const ChatTemplate& chat, const std::vector<ToolCall>& calls) {
  constexpr std::string_view kWrittenTools =
      R"([{"type": "function", "function": {"name": "look", "description": "Looks around",
           "parameters": {"type": "object",
          "properties": {"at": {"type": "string"}, "n": {"type": "integer"}}}}},
          {"type": "function", "function": {"name": "get_weather", "description": "Weather",
           "parameters": {"type": "object",
          "properties": {"city": {"type": "string"}}}}}])";
  std::vector<Message> messages{{.content = "Look."}};
  const auto prompt = chat.render(messages, {.tools = std::string(kWrittenTools)});
  if (!prompt) return std::unexpected(prompt.error());
  messages.push_back({.role = MessageRole::Assistant, .tool_calls = calls});
  const auto whole = chat.render(messages, {.add_generation_prompt = false, .tools = std::string(kWrittenTools)});
  if (!whole) return std::unexpected(whole.error());
  const std::string asked = joined(*prompt), answered = joined(*whole);
  auto same = static_cast<std::size_t>(std::ranges::mismatch(asked, answered).in1 - asked.begin());
  // Two markers that begin alike are two markers.
  if (same < asked.size()) {
    const std::size_t marker = asked.find_last_of("<[>]\n", same - 1);
    if (marker != std::string::npos && (asked[marker] == '<' || asked[marker] == '[')) same = marker;
  }
  Written written{.reply = answered.substr(same)};
  if (const auto& thinking = chat.thinking_markers()) {
    const std::string before = answered.substr(0, same);
    const std::size_t opener = before.rfind(thinking->opener);
    written.thinking_is_open =
        opener != std::string::npos && before.find(thinking->closer, opener) == std::string::npos;
  }
  return written;
}

std::vector<std::string> calls_read(const ChatTemplate& chat, const Written& written) {
  internal::ReplyFormatOptions options{.thinking_is_open = written.thinking_is_open, .tools = {"look", "get_weather"}};
  if (const auto& thinking = chat.thinking_markers()) {
    options.thinking_opener = thinking->opener;
    options.thinking_closer = thinking->closer;
  }
  const auto lines = internal::test::parse(internal::reply_format_named(chat.reply_format()), options, {written.reply},
                                           internal::ReplyEnd::Whole);
  std::vector<std::string> calls;
  for (const auto& line : lines) {
    if (line.starts_with("call ")) calls.push_back(line.substr(0, line.find(" as ")));
    if (line.starts_with("arguments ")) {
      std::string json = line.substr(line.find(": ") + 2);
      std::erase(json, ' ');
      std::erase(json, '\n');
      calls.push_back(json);
    }
    if (line.starts_with("end ")) calls.emplace_back("end");
  }
  return calls;
}

TEST(TemplateFamilies, EveryPublishedTemplateHasItsFormat) {
  if (folder_of_templates().empty()) GTEST_SKIP() << "no published templates (script/templates)";
  for (const auto& [file, format, _] : kExpected) {
    const fs::path path = folder_of_templates() / (std::string(file) + ".jinja");
    ASSERT_TRUE(fs::exists(path)) << path;
    EXPECT_EQ(internal::choose_reply_format({.source = source_of(path)}).name, format) << file;
  }
}

TEST(TemplateFamilies, ReadBackTheCallsThatTheirTemplatesWrite) {
  if (folder_of_templates().empty()) GTEST_SKIP() << "no published templates (script/templates)";
  const std::vector<ToolCall> one{{.id = "abcdefgh1", .name = "look", .arguments = R"({"at": "s<k>y", "n": 2})"}};
  for (const auto& [file, format, writes_calls] : kExpected) {
    if (!writes_calls) continue;
    SCOPED_TRACE(file);
    const auto chat =
        ChatTemplate::parse({.source = source_of(folder_of_templates() / (std::string(file) + ".jinja"))});
    ASSERT_TRUE(chat) << chat.error().message;
    const auto written = written_reply(*chat, one);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_THAT(calls_read(*chat, *written), testing::ElementsAre("call 0: look", R"({"at":"s<k>y","n":2})", "end"))
        << written->reply;
  }
}

}  // namespace
}  // namespace llama
