// How servers over pipes are started, stopped, and kept side by side.
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "hostile_fixture.h"
#include "llama-mcp/mcp_servers.h"

namespace llama {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(HostileServer, EndsACallThatIsStopped) {
  auto client = connect("never-answers");
  ASSERT_TRUE(client) << client.error().message;
  std::stop_source stop;
  std::jthread stopper([&] {
    while ((*client)->health().pending == 0) std::this_thread::sleep_for(1ms);
    stop.request_stop();
  });
  auto result = (*client)->call_tool("echo", "", {}, stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
}

TEST_F(HostileServer, EndsItsCallsWhenTheClientIsClosed) {
  auto client = connect("never-answers");
  ASSERT_TRUE(client) << client.error().message;
  std::jthread closer([&] {
    while ((*client)->health().pending == 0) std::this_thread::sleep_for(1ms);
    (*client)->close();
  });
  auto result = call(**client);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
}

TEST_F(HostileServer, SeesLittleOfOurEnvironment) {
  ::setenv("LLAMA_MCP_TEST_KEY", "sk-secret", 1);
  auto config = server_in_mode("environment", token);
  config.env["GIVEN"] = "given value";
  auto client = McpClient::connect(config, {}, options);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(text_of(*call(**client, R"({"name":"LLAMA_MCP_TEST_KEY"})")), "unset");
  EXPECT_EQ(text_of(*call(**client, R"({"name":"GIVEN"})")), "given value");
  EXPECT_EQ(text_of(*call(**client, R"({"name":"PATH"})")), std::getenv("PATH"));
}

TEST_F(HostileServer, RunsInItsWorkingDirectory) {
  auto config = server_in_mode("folder", token);
  config.working_directory = "/usr";
  auto client = McpClient::connect(config, {}, options);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(text_of(*call(**client)), "/usr");
}

TEST_F(HostileServer, IsNotQuotedWithItsSecret) {
  auto config = server_in_mode("secret", token);
  config.env["SECRET"] = "sk-0123456789";
  auto client = McpClient::connect(config, {}, options);
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("the key *** is wrong"));
  EXPECT_THAT((*client)->last_words(), Not(HasSubstr("0123456789")));
}

TEST_F(HostileServer, LeavesNothingOverManyStarts) {
  ASSERT_TRUE(connect("good"));  // what is made once is made
  const int descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
  const char* times = std::getenv("LLAMA_MCP_STARTS");
  for (int i = 0; i < (times == nullptr ? 10 : std::atoi(times)); ++i) {
    auto client = connect(i % 2 == 0 ? "good" : "exits-in-call");
    ASSERT_TRUE(client) << client.error().message;
    EXPECT_EQ(call(**client).has_value(), i % 2 == 0);
    if (i % 100 != 99) continue;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::cout << i + 1 << " starts: " << usage.ru_maxrss << " kB at most\n";
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
  EXPECT_EQ(entries_of("/proc/self/task"), threads);
}

TEST(StartOfAServer, NamesACommandThatIsNotThere) {
  auto client = McpClient::connect({.name = "a", .command = "no-such-command-at-all"});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::NotFound);
  EXPECT_EQ(client.error().message, "server 'a': its command 'no-such-command-at-all' is in no folder of PATH");
}

TEST(StartOfAServer, NamesAFolderThatIsNotThere) {
  auto config = server_in_mode("good");
  config.working_directory = "/no/such/folder";
  auto client = McpClient::connect(config);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::NotFound);
  EXPECT_THAT(client.error().message, HasSubstr("'/no/such/folder'"));
}

TEST(Servers, AreAskedSideBySideAndFailAlone) {
  const auto token = new_token();
  auto good = server_in_mode("good", token), broken = server_in_mode("ends-at-once", token),
       slow = server_in_mode("old", token);
  good.name = "good", broken.name = "broken", slow.name = "slow";
  auto servers = McpServers::create({good, broken, slow}, {}, {.close_time_limit = 300ms});
  ASSERT_TRUE(servers) << servers.error().message;
  EXPECT_EQ(processes_with(token), 0) << "nothing is started before it is needed";
  const auto list = (*servers)->list_tools();
  ASSERT_EQ(list.tools.size(), 2U);
  EXPECT_EQ(list.tools[0].server, "good");
  EXPECT_EQ(list.tools[1].server, "slow");
  ASSERT_EQ(list.failures.size(), 1U);
  EXPECT_EQ(list.failures[0].server, "broken");
  // It is not started again at once.
  auto again = (*servers)->call_tool("broken", "echo", "");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("no configuration found; it is started again in"));
  auto result = (*servers)->call_tool("good", "echo", R"({"words":"x"})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text_of(*result), "x");
  auto unknown = (*servers)->call_tool("nobody", "echo", "");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "no server is called 'nobody'; there are: good, broken, slow");
  (*servers)->close();
  EXPECT_EQ(survivors_with(token), 0);
}

// It costs who needs the others its start once, and then nothing for ten times as long.
TEST(Servers, ASilentOneIsLeftAlonePauseByPause) {
  const auto token = new_token();
  auto good = server_in_mode("good", token), silent = server_in_mode("silent", token);
  good.name = "good", silent.name = "silent";
  silent.start_time_limit = 200ms;
  auto servers = McpServers::create({good, silent}, {}, {.close_time_limit = 300ms});
  ASSERT_TRUE(servers) << servers.error().message;
  for (int round = 0; round < 4; ++round) {
    const auto list = (*servers)->list_tools();
    EXPECT_EQ(list.tools.size(), 1U) << round;
    ASSERT_EQ(list.failures.size(), 1U) << round;
    EXPECT_EQ(list.failures[0].server, "silent");
    if (round == 0) continue;
    const std::string& why = list.failures[0].error.message;
    const std::size_t at = why.find("it is started again in ");
    ASSERT_NE(at, std::string::npos) << why;
    // Of a server that ends at once the first pause is 1 s.
    EXPECT_GT(std::atoi(why.c_str() + at + std::string_view("it is started again in ").size()), 1) << why;
  }
  const auto health = (*servers)->health();
  ASSERT_EQ(health.size(), 2U);
  EXPECT_EQ(health[1].server, "silent");
  EXPECT_EQ(health[1].starts, 1);
  EXPECT_FALSE(health[1].is_started);
  (*servers)->close();
  EXPECT_EQ(survivors_with(token), 0);
}

TEST(Servers, AreStartedAgainWhenTheyEnd) {
  auto servers = McpServers::create({server_in_mode("exits-in-call")});
  ASSERT_TRUE(servers) << servers.error().message;
  ASSERT_FALSE((*servers)->call_tool("hostile", "echo", ""));
  Result<std::shared_ptr<McpClient>> client = (*servers)->client("hostile");
  for (int i = 0; i < 200 && !client; ++i) {
    std::this_thread::sleep_for(50ms);
    client = (*servers)->client("hostile");
  }
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ((*servers)->health().front().starts, 2);
}

}  // namespace
}  // namespace llama
