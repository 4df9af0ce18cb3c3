// What a server over pipes may do that it should not: every call ends, nothing is left.
#include <algorithm>
#include <vector>

#include "hostile_fixture.h"

namespace llama {
namespace {

using testing::HasSubstr;

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
  for (const char* mode : {"orphan", "job"}) {
    auto client = connect(mode);
    ASSERT_TRUE(client) << client.error().message;
    ASSERT_TRUE(call(**client));
    EXPECT_EQ(processes_with(token), 2) << mode;
    (*client)->close();
    EXPECT_EQ(survivors_with(token), 0) << mode;
  }
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

}  // namespace
}  // namespace llama
