// Tools of real processes, by the way that a run calls them.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "llama-agent/agent_run.h"
#include "llama-mcp/mcp_servers.h"

namespace llama {
namespace {

using namespace std::chrono_literals;

McpServerConfig hostile(std::string name, std::string mode) {
  return {.name = std::move(name), .command = HOSTILE_SERVER, .args = {std::move(mode)}, .era = McpEra::Older};
}

std::shared_ptr<ToolSource> tools_of(std::vector<McpServerConfig> configs) {
  auto servers = McpServers::create(std::move(configs));
  EXPECT_TRUE(servers) << servers.error().message;
  return mcp_tools(std::move(*servers));
}

TEST(McpTools, ToolsOfTwoServersAreToldApartAndCalled) {
  ToolSet tools;
  tools.add(tools_of({hostile("one", "plain"), hostile("two", "plain")}));
  const auto list = tools.list();
  ASSERT_EQ(list.names(), "one_echo, two_echo") << (list.failures.empty() ? "" : list.failures[0].error.message);
  const auto result = execute_tool(tools, {.name = "two_echo", .arguments = R"({"words":"hello"})"});
  EXPECT_FALSE(result.is_error) << result.text;
  EXPECT_EQ(execute_tool(tools, {.name = "one.echo", .arguments = R"({"words":"hello"})"}), result);
}

TEST(McpTools, AServerThatFailsInTheCallIsAResultAndTheOthersGoOn) {
  ToolSet tools;
  tools.add(tools_of({hostile("exits", "exits-in-call"), hostile("plain", "plain")}));
  EXPECT_TRUE(execute_tool(tools, {.name = "exits_echo", .arguments = "{}"}).is_error);
  const auto result = execute_tool(tools, {.name = "plain_echo", .arguments = R"({"words":"hello"})"});
  EXPECT_FALSE(result.is_error) << result.text;
}

TEST(McpTools, AResultIsHeldToTheSchemaThatItsToolPromises) {
  ToolSet tools;
  tools.add(tools_of({hostile("s", "promises")}));
  const auto kept = execute_tool(tools, {.name = "echo", .arguments = R"({"n":1})"});
  EXPECT_FALSE(kept.is_error) << kept.text;
  EXPECT_EQ(kept.text, "words");
  const auto broken = execute_tool(tools, {.name = "echo", .arguments = R"({"n":"one"})"});
  EXPECT_TRUE(broken.is_error);
  EXPECT_TRUE(broken.text.starts_with("the result does not match what the tool promises: ")) << broken.text;
  EXPECT_TRUE(broken.text.ends_with("\nwords")) << broken.text;
}

TEST(McpTools, AServerThatNeverAnswersIsATimeOut) {
  ToolSet tools;
  tools.add(tools_of({hostile("silent", "never-answers")}));
  const auto result = execute_tool(tools, {.name = "echo", .arguments = "{}"}, {.call_time_limit = 200ms});
  EXPECT_TRUE(result.is_error);
  EXPECT_NE(result.text, "");
}

TEST(McpTools, AnAnswerThatIsTooLargeIsAResult) {
  ToolSet tools;
  tools.add(tools_of({hostile("huge", "huge")}));
  EXPECT_TRUE(execute_tool(tools, {.name = "echo", .arguments = "{}"}).is_error);
}

TEST(McpTools, AStopReachesTheServersCall) {
  ToolSet tools;
  tools.add(tools_of({hostile("silent", "never-answers")}));
  ASSERT_EQ(tools.list().tools.size(), 1U);
  std::stop_source stop;
  const std::jthread later([stop]() mutable {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  const auto result = execute_tool(tools, {.name = "echo", .arguments = "{}"}, {}, stop.get_token());
  EXPECT_EQ(result.text, "stopped: the run was cancelled");
}

}  // namespace
}  // namespace llama
