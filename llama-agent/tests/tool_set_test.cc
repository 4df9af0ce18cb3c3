// Tools of several places under names that a model can use.
#include "llama-agent/tool_set.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "llama-mcp/mcp_servers.h"

namespace llama {
namespace {

const ToolFunction kNoWork = [](const std::string&, const ToolContext&) { return ToolResult{}; };

class FixedSource final : public ToolSource {
 public:
  explicit FixedSource(std::vector<ToolDefinition> tools) : tools_(std::move(tools)) {}
  Listing list(const std::stop_token&) override { return {.tools = tools_}; }
  void set(std::vector<ToolDefinition> tools) { tools_ = std::move(tools); }
  ToolResult call(const ToolDefinition& tool, const std::string& arguments, const ToolContext&) override {
    return {tool.server + "." + tool.name + arguments};
  }

 private:
  std::vector<ToolDefinition> tools_;
};

TEST(ToolSet, TellsToolsOfOneNameApartAndMapsThemBack) {
  ToolSet tools;
  ASSERT_TRUE(tools.add(Tool{{.name = "search"}, kNoWork}));
  tools.add(std::make_shared<FixedSource>(std::vector<ToolDefinition>{{.name = "search", .server = "web"},
                                                                      {.name = "read", .server = "web"},
                                                                      {.name = "write.all/now", .server = "web"}}));
  tools.add(std::make_shared<FixedSource>(std::vector<ToolDefinition>{{.name = "search", .server = "files"}}));
  const auto list = tools.list();
  EXPECT_EQ(list.names(), "search, web_search, read, write_all_now, files_search");
  ASSERT_NE(list.find("files_search"), nullptr);
  EXPECT_EQ(list.find("files_search")->full_name(), "files.search");
  EXPECT_EQ(list.find("web.search"), list.find("web_search"));
  EXPECT_EQ(list.find("files_search")->function("{}", {}).text, "files.search{}");
  EXPECT_EQ(list.find("nothing"), nullptr);
}

TEST(ToolSet, ANameThatWasToldStaysWhateverComesAndGoes) {
  const auto of = [](std::vector<std::string> servers) {
    std::vector<ToolDefinition> tools;
    for (auto& server : servers) tools.push_back({.name = "echo", .server = std::move(server)});
    return tools;
  };
  ToolSet tools;
  const auto source = std::make_shared<FixedSource>(of({"a", "b"}));
  tools.add(source);
  EXPECT_EQ(tools.list().names(), "a_echo, b_echo");
  source->set(of({"b"}));
  EXPECT_EQ(tools.list().names(), "b_echo");
  source->set(of({"c", "b", "a"}));
  EXPECT_EQ(tools.list().names(), "c_echo, b_echo, a_echo");

  ToolSet alone;
  const auto one = std::make_shared<FixedSource>(of({"b"}));
  alone.add(one);
  EXPECT_EQ(alone.list().names(), "echo");
  one->set(of({"a", "b"}));
  EXPECT_EQ(alone.list().names(), "a_echo, echo");
  one->set(of({"a"}));
  EXPECT_EQ(alone.list().names(), "a_echo");
  ASSERT_TRUE(alone.add(Tool{{.name = "echo"}, kNoWork}));
  one->set(of({"a", "b"}));
  EXPECT_EQ(alone.list().names(), "echo, a_echo, b_echo");
}

TEST(ToolSet, NamesAreCutAndStayDifferent) {
  const std::string name(100, 'n');
  ToolSet tools;
  tools.add(std::make_shared<FixedSource>(std::vector<ToolDefinition>{
      {.name = name + "a", .server = "s"}, {.name = name + "b", .server = "s"}, {.name = "ä", .server = "s"}}));
  const auto list = tools.list();
  std::set<std::string> names;
  for (const auto& tool : list.tools) {
    EXPECT_LE(tool.name.size(), 64U);
    EXPECT_EQ(tool.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
              std::string::npos);
    names.insert(tool.name);
  }
  EXPECT_EQ(names.size(), 3U);
}

TEST(ToolSet, RefusesNativeToolsThatAreNone) {
  ToolSet tools;
  EXPECT_TRUE(tools.add(Tool{{.name = "a"}, kNoWork}));
  EXPECT_FALSE(tools.add(Tool{{.name = "a"}, kNoWork})) << "twice";
  EXPECT_FALSE(tools.add(Tool{{.name = "b c"}, kNoWork}));
  EXPECT_FALSE(tools.add(Tool{{.name = ""}, kNoWork}));
  EXPECT_FALSE(tools.add(Tool{{.name = "b"}, {}}));
  EXPECT_FALSE(tools.add(Tool{{.name = "b", .parameters = "[]"}, kNoWork}));
}

TEST(ToolSet, OffersWhatARequestWants) {
  ToolSet tools;
  EXPECT_EQ(tools.list().json(), "");
  ASSERT_TRUE(
      tools.add(Tool{{.name = "a", .description = "d", .parameters = R"({"type":"object","title":"t"})"}, kNoWork}));
  tools.add(std::make_shared<FixedSource>(std::vector<ToolDefinition>{
      {.name = "b", .description = std::string(10'000, 'x'), .parameters = std::string(200, '['), .server = "s"}}));
  const auto json = nlohmann::json::parse(tools.list().json());
  EXPECT_EQ(json[0], nlohmann::json::parse(R"({"type":"function","function":{"name":"a","description":"d",)"
                                           R"("parameters":{"type":"object","title":"t"}}})"));
  EXPECT_EQ(json[1]["function"]["description"].get<std::string>().size(), 4096U);
  EXPECT_EQ(json[1]["function"]["parameters"], nlohmann::json({{"type", "object"}}));
}

TEST(McpTools, AServerThatCannotBeStartedIsAFailureAndStopsNothing) {
  auto servers = McpServers::create({{.name = "gone", .command = "/nowhere/at/all"}});
  ASSERT_TRUE(servers) << servers.error().message;
  ToolSet tools;
  ASSERT_TRUE(tools.add(Tool{{.name = "a"}, kNoWork}));
  tools.add(mcp_tools(std::move(*servers)));
  const auto list = tools.list();
  EXPECT_EQ(list.names(), "a");
  ASSERT_EQ(list.failures.size(), 1U);
  EXPECT_EQ(list.failures[0].server, "gone");
}

}  // namespace
}  // namespace llama
