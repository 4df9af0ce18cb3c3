// McpClient over pipes, against a server of our own that behaves badly (hostile_server.cc): every call ends, nothing is left.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <thread>

#include "llama-mcp/mcp_client.h"
#include "llama-mcp/mcp_servers.h"

namespace llama {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Another for each test, so that each finds its own processes.
std::string new_token() {
  static std::atomic<int> count{0};
  return std::format("llama-mcp-test-{}-{}", getpid(), ++count);
}

int processes_with(const std::string& token) {
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(each.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(in), {}};
    count += line.contains(token) ? 1 : 0;
  }
  return count;
}

// A process that was killed takes a moment to be gone.
int survivors_with(const std::string& token) {
  for (int i = 0; i < 500 && processes_with(token) > 0; ++i) std::this_thread::sleep_for(20ms);
  return processes_with(token);
}

int entries_of(const char* folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

McpServerConfig server_in_mode(const std::string& mode, const std::string& token = new_token()) {
  return {.name = "hostile",
          .command = HOSTILE_SERVER,
          .args = {mode, token},
          .start_time_limit = 20s,
          .call_time_limit = 60s};
}

class HostileServer : public testing::Test {
 protected:
  std::string token = new_token();
  McpClientOptions options{.close_time_limit = 300ms};

  Result<std::unique_ptr<McpClient>> connect(const std::string& mode, McpHandlers handlers = {}) {
    return McpClient::connect(server_in_mode(mode, token), std::move(handlers), options);
  }
  Result<McpToolResult> call(McpClient& client, const std::string& arguments = R"({"words":"hello"})") {
    return client.call_tool("echo", arguments);
  }
  void TearDown() override { EXPECT_EQ(survivors_with(token), 0) << "a process survived"; }
};

TEST_F(HostileServer, AnswersWhenItIsWellBehaved) {
  auto client = connect("good");
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ((*client)->info().revision, "2025-11-25");
  EXPECT_EQ((*client)->info().name, "hostile");
  auto tools = (*client)->list_tools();
  ASSERT_TRUE(tools) << tools.error().message;
  ASSERT_EQ(tools->size(), 1U);
  EXPECT_EQ(tools->front().name, "echo");
  auto result = call(**client);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text_of(*result), "hello");
  EXPECT_TRUE((*client)->ping());
  EXPECT_EQ((*client)->health().state, McpState::Connected);
}

TEST_F(HostileServer, IsSpokenToInItsOwnRevision) {
  auto client = connect("old");
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ((*client)->info().revision, "2024-11-05");
}

TEST_F(HostileServer, ThatNeverAnswersEndsInATimeOut) {
  auto config = server_in_mode("silent", token);
  config.start_time_limit = 100ms;
  auto client = McpClient::connect(config, {}, options);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::TimedOut);
  EXPECT_THAT(client.error().message, HasSubstr("server 'hostile': no answer to 'initialize'"));
}

TEST_F(HostileServer, ThatEndsAtTheModernQuestionIsStartedAgain) {
  auto client = connect("exits-on-probe");
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_TRUE(call(**client));
}

TEST_F(HostileServer, ThatFallsSilentAtTheModernQuestionIsStartedAgain) {
  auto config = server_in_mode("silent-on-probe", token);
  config.start_time_limit = 2s;
  auto client = McpClient::connect(config, {}, options);
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_TRUE(call(**client));
}

TEST_F(HostileServer, ThatEndsAtOnceIsQuoted) {
  auto client = connect("ends-at-once");
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::Network);
  EXPECT_EQ(client.error().message,
            "server 'hostile': it ended with exit status 7; it wrote last: no configuration found");
}

TEST_F(HostileServer, ThatFloodsItsStandardErrorIsRead) {
  auto client = connect("floods-stderr");
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_TRUE(call(**client));
  EXPECT_THAT((*client)->last_words(), HasSubstr("the flood is over"));
  EXPECT_LE((*client)->last_words().size(), 4'096U);
}

TEST_F(HostileServer, ThatWritesNoiseIsUnderstood) {
  auto client = connect("noise");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text_of(*result), "hello");
  EXPECT_GE((*client)->health().stray_lines, 10U);
}

TEST_F(HostileServer, ThatAnswersOthersLeavesTheCallToItsTimeLimit) {
  auto client = connect("wrong-ids");
  ASSERT_TRUE(client) << client.error().message;
  auto result = (*client)->call_tool("echo", "", {.time_limit = 200ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::TimedOut);
  EXPECT_EQ(result.error().message, "server 'hostile': no answer to 'tools/call' within 0.2 s");
  EXPECT_EQ((*client)->health().pending, 0);
}

TEST_F(HostileServer, ThatAsksWithTheNumberOfOurRequestIsNotTakenForAnAnswer) {
  auto client = connect("same-id");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text_of(*result), "hello");
}

TEST_F(HostileServer, ThatEndsInTheMiddleOfALineFailsTheCall) {
  auto client = connect("half-line");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Network);
  EXPECT_THAT(result.error().message, HasSubstr("exit status 4"));
}

TEST_F(HostileServer, ThatEndsInACallFailsItWithItsLastWords) {
  auto client = connect("exits-in-call");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "server 'hostile': it ended with exit status 5; it wrote last: cannot go on: the disk is full");
  EXPECT_EQ((*client)->health().state, McpState::Ended);
  EXPECT_FALSE(call(**client));
}

TEST_F(HostileServer, ThatAnswersAHundredMegabytesFailsThatCallAlone) {
  options.max_message_bytes = 1 << 20;
  auto client = connect("huge");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("a message of more than 1048576 bytes"));
  EXPECT_TRUE((*client)->list_tools());
}

TEST_F(HostileServer, ThatStormsIsHeardOnceOrSo) {
  std::atomic<int> changes{0}, lines{0};
  auto client = connect("storm", {.tools_changed = [&] { ++changes; }, .log = [&](const McpLogLine&) { ++lines; }});
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE((*client)->list_tools());
  for (int i = 0; i < 1'000 && changes == 0; ++i) std::this_thread::sleep_for(20ms);
  EXPECT_GE(changes, 1);
  EXPECT_LT(changes, 1'000);  // of 20,000
  EXPECT_GE(lines, 1);
}

TEST_F(HostileServer, ThatRepeatsACursorIsToldApart) {
  auto client = connect("repeated-cursor");
  ASSERT_TRUE(client) << client.error().message;
  auto tools = (*client)->list_tools();
  ASSERT_FALSE(tools);
  EXPECT_THAT(tools.error().message, HasSubstr("a cursor came twice"));
}

TEST_F(HostileServer, ThatListsWithoutEndIsStopped) {
  options.max_pages = 50;
  auto client = connect("endless-pages");
  ASSERT_TRUE(client) << client.error().message;
  auto tools = (*client)->list_tools();
  ASSERT_FALSE(tools);
  EXPECT_THAT(tools.error().message, HasSubstr("more than 50 pages"));
}

TEST_F(HostileServer, WhoseChildSurvivesIsEndedWithIt) {
  auto client = connect("orphan");
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(call(**client));
  EXPECT_EQ(processes_with(token), 2);
  (*client)->close();
  EXPECT_EQ(survivors_with(token), 0);
}

TEST_F(HostileServer, ThatIgnoresSigtermIsKilled) {
  auto client = connect("ignores-sigterm");
  ASSERT_TRUE(client) << client.error().message;
  (*client)->close();
  EXPECT_EQ(survivors_with(token), 0);
}

TEST_F(HostileServer, ThatSpeaksAnUnknownRevisionIsRefused) {
  auto client = connect("other-era");
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message, HasSubstr("revision '1999-01-01'"));
}

// 4 MiB of calls do not fit into a pipe: neither side waits for the other.
TEST_F(HostileServer, ThatStopsReadingDoesNotStopUs) {
  options.max_message_bytes = 1 << 20;
  auto client = connect("deaf");
  ASSERT_TRUE(client) << client.error().message;
  const std::string arguments = std::format(R"({{"words":"{}"}})", std::string(500'000, 'x'));
  bool is_busy = false;
  for (int i = 0; i < 8; ++i) {
    auto result = (*client)->call_tool("echo", arguments, {.time_limit = 50ms});
    ASSERT_FALSE(result);
    is_busy = is_busy || result.error().code == ErrorCode::Busy;
  }
  EXPECT_TRUE(is_busy);
}

TEST_F(HostileServer, ThatWritesIllFormedUtf8IsReadWithReplacements) {
  auto client = connect("ill-formed");
  ASSERT_TRUE(client) << client.error().message;
  auto result = call(**client);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(text_of(*result),
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
}

TEST_F(HostileServer, GetsMoreTimeWhileItMakesProgress) {
  auto client = connect("progress");
  ASSERT_TRUE(client) << client.error().message;
  std::vector<double> seen;
  auto result = (*client)->call_tool(
      "echo", R"({"words":"done"})",
      {.time_limit = 1'500ms, .progress = [&](const McpProgress& news) { seen.push_back(news.progress); }});
  ASSERT_TRUE(result) << result.error().message;  // 2.4 s
  EXPECT_FALSE(seen.empty());
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

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
