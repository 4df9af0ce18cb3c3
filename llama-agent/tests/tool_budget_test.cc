// Many tools whose schemas each take long to read: together they take as long as one, and a stop ends it.
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "llama-agent/tool_schema.h"
#include "run_fixture.h"

namespace llama {
namespace {

class ToolBudget : public AgentRunTest {
 protected:
  // Twenty of them, and one as they usually are. kind: other schemas than those that were read before.
  GenerationRequest request_with_tools(int kind) {
    nlohmann::json tools = nlohmann::json::array();
    const auto add_tool = [&](const std::string& name, nlohmann::json properties) {
      tools.push_back(
          {{"type", "function"},
           {"function",
            {{"name", name}, {"parameters", {{"type", "object"}, {"properties", std::move(properties)}}}}}});
    };
    for (int i = 0; i < 20; ++i) {
      nlohmann::json properties;
      for (int p = 0; p < 8; ++p) {
        properties[std::format("p{}", p)]["pattern"] =
            std::format(R"(^\p{{L}}{{1,{}}}$|x{}$)", 200 + p, 100 * kind + i);
      }
      add_tool(std::format("slow{}", i), std::move(properties));
    }
    add_tool("usual", {{"at", {{"enum", {"sky", "sea"}}}}});
    GenerationRequest request{.session_id = session_with("question")};
    request.tools = tools.dump();
    return request;
  }
};

TEST_F(ToolBudget, IsSharedByAllToolsOfARequest) {
  play({"answer"});
  const auto request = request_with_tools(1);
  const auto response = server_->generate(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->generated_text, "answer");
  int too_long = 0;
  for (const auto& remark : response->remarks) {
    EXPECT_TRUE(remark.starts_with("tool 'slow")) << remark;
    if (remark.ends_with("takes any JSON object: the JSON schemas of one request would together take too long to read"))
      ++too_long;
  }
  EXPECT_GT(too_long, 10);
  EXPECT_LT(too_long, 20) << "the first of them are read";
  auto again = request;
  again.session_id = session_with("question");
  EXPECT_EQ(server_->generate(again)->remarks, response->remarks) << "though some are remembered";
}

TEST_F(ToolBudget, IsNotUsedUpWhereNobodyWaits) {
  play({"answer"});
  std::stop_source stop;
  const std::jthread impatient([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const auto stopped = server_->generate(request_with_tools(2), stop.get_token());
  ASSERT_FALSE(stopped) << "it was not heard before the model began";
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(stopped.error().message, "reading the tools' JSON schemas was stopped");
}

TEST_F(ToolBudget, OfAStoppedRunIsNotUsedUp) {
  play({"answer"});
  const auto slow = nlohmann::json::parse(request_with_tools(3).tools)[0]["function"]["parameters"].dump();
  std::stop_source stop;
  stop.request_stop();
  for (const auto& checked :
       {check_tool_schema(slow, stop.get_token()), validate_call(slow, "{}", {}, stop.get_token())}) {
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::Cancelled);
  }
  EXPECT_TRUE(validate_call(slow, "{}"));
}

}  // namespace
}  // namespace llama
