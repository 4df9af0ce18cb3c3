// Calls of a small real model: it knows no tools, so whatever is right about them is the grammar's doing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "llama-agent/agent_server.h"
#include "llama-agent/tool_schema.h"

namespace llama {
namespace {

constexpr std::string_view kHermes =
    "{%- if tools %}<|im_start|>system\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor "
    "%}\n</tools>\nAnswer "
    "with <tool_call>\n{\"name\": …, \"arguments\": …}\n</tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n{{ "
    "c.function | tojson }}\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>"
    "assistant\n{% endif %}";

struct Tool {
  std::string name, parameters;
};
const Tool kTools[] = {
    {"book_flight",
     R"({"type": "object", "properties": {"from": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "to": {"type": "string", "pattern": "^[A-Z]{3}$"}, "date": {"type": "string", "format": "date"}},
        "required": ["from", "to", "date"]})"},
    {"set_light",
     R"({"type": "object", "properties": {"room": {"enum": ["kitchen", "hall", "attic"]}, "on": {"type": "boolean"},
        "brightness": {"type": "number", "minimum": 0, "maximum": 1}}, "required": ["room", "on"]})"},
    {"order",
     R"({"type": "object", "properties": {"customer": {"type": "object", "properties": {"name": {"type": "string",
        "maxLength": 20}, "age": {"type": "integer", "minimum": 18, "maximum": 120}}, "required": ["name", "age"]},
        "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "object", "properties": {
        "sku": {"type": "string", "pattern": "^[a-z]+-[0-9]{2,4}$", "maxLength": 12}, "count": {"type": "integer",
        "minimum": 1, "maximum": 9}}, "required": ["sku", "count"]}}}, "required": ["customer", "items"]})"},
    {"nothing", R"({"type": "object", "properties": {"why": {"type": "null"}}})"},
};

class HeldCall : public testing::Test {
 protected:
  void SetUp() override {
    const char* home = std::getenv("HOME");
    const auto path = std::filesystem::path(home == nullptr ? "" : home) /
                      ".cache/llama-cli/models-1/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no real model (script/models)";
    static const auto model = Model::load(std::span(&path, 1));
    ASSERT_TRUE(model) << model.error().message;
    auto chat_template = ChatTemplate::parse({.source = std::string(kHermes)});
    ASSERT_TRUE(chat_template) << chat_template.error().message;
    AgentConfig config{.context_tokens = 4096, .parallel = 1};
    config.chat_template = std::move(*chat_template);
    auto server = AgentServer::create(*model, config);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    for (const auto& tool : kTools) {
      tools_.push_back({{"type", "function"},
                        {"function", {{"name", tool.name}, {"parameters", nlohmann::json::parse(tool.parameters)}}}});
    }
  }

  Result<GenerationResponse> ask(std::string question, ToolChoice choice, float temperature, std::uint32_t seed) {
    const auto session = server_->create_session();
    EXPECT_TRUE(server_->add_message(session->id, {.content = std::move(question)}));
    GenerationRequest request{.session_id = session->id};
    request.sampling.temperature = temperature;
    request.sampling.seed = seed;
    request.stopping.max_tokens = 400;
    request.tools = tools_.dump();
    request.tool_choice = std::move(choice);
    return server_->generate(request);
  }

  std::unique_ptr<AgentServer> server_;
  nlohmann::json tools_ = nlohmann::json::array();
};

void expect_valid(const GenerationResponse& reply) {
  EXPECT_EQ(reply.finish_reason, FinishReason::EndOfSequence);
  EXPECT_FALSE(reply.unfinished_call);
  EXPECT_EQ(reply.generated_text, "");
  for (const auto& call : reply.tool_calls) {
    const auto tool = std::ranges::find(kTools, call.name, &Tool::name);
    ASSERT_NE(tool, std::end(kTools)) << call.name;
    const auto valid = validate_call(tool->parameters, call.arguments);
    EXPECT_TRUE(valid) << call.name << call.arguments << ": " << valid.error().message;
  }
}

TEST_F(HeldCall, EachNamedToolIsCalledWithArgumentsThatFitItsSchema) {
  for (const float temperature : {0.0F, 1.0F, 2.0F}) {
    for (const auto& tool : kTools) {
      const auto reply = ask("Tell me a story about the sea.",
                             {.kind = ToolChoice::Kind::Named, .name = tool.name, .several = false}, temperature, 7);
      ASSERT_TRUE(reply) << reply.error().message;
      ASSERT_EQ(reply->tool_calls.size(), 1U) << tool.name;
      EXPECT_EQ(reply->tool_calls[0].name, tool.name);
      EXPECT_TRUE(reply->remarks.empty());
      expect_valid(*reply);
    }
  }
}

TEST_F(HeldCall, ACallThatIsRequiredComesThoughTheModelWouldRatherTalk) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const auto reply =
        ask("What is the capital of Japan?", {.kind = ToolChoice::Kind::Required, .several = false}, 1, seed);
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_EQ(reply->tool_calls.size(), 1U);
    expect_valid(*reply);
  }
}

TEST_F(HeldCall, AReplyThatIsCutInACallHasNoCallToRun) {
  const auto session = server_->create_session();
  ASSERT_TRUE(server_->add_message(session->id, {.content = "Hello"}));
  GenerationRequest request{.session_id = session->id};
  request.stopping.max_tokens = 12;
  request.tools = tools_.dump();
  request.tool_choice = {.kind = ToolChoice::Kind::Named, .name = "order"};
  const auto reply = server_->generate(request);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->finish_reason, FinishReason::TokenLimit);
  EXPECT_TRUE(reply->tool_calls.empty());
}

TEST_F(HeldCall, NoneMeansText) {
  const auto reply = ask("What is the capital of Japan?", {.kind = ToolChoice::Kind::None}, 0, 1);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(reply->tool_calls.empty());
  EXPECT_FALSE(reply->generated_text.empty());
}

}  // namespace
}  // namespace llama
