// A server that is wrong, careless with secrets, or sends too much; and handlers that fail.
#include <atomic>
#include <format>
#include <future>
#include <mutex>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "client_core_fixture.h"
#include "llama-base/json_shape.h"
#include "protocol/mcp_json.h"
#include "protocol/one_line.h"
#include "protocol/secret_filter.h"

namespace llama::internal {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string object_with_members(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += std::format(R"({}"k{}":1)", i == 0 ? "" : ",", i);
  return text + "}";
}

TEST(McpJson, CountsTheComparisonsOfNames) {
  EXPECT_EQ(json_member_comparisons(R"({"a":":{","b":[{"c":1},{"d":1}],"e":2})"), 3U);
  EXPECT_TRUE(parse_mcp_json(object_with_members(10'000)));
  EXPECT_FALSE(parse_mcp_json(object_with_members(11'000)));
  std::string many = "[";
  for (int i = 0; i < 200; ++i) many += (i == 0 ? "" : ",") + object_with_members(1'000);
  EXPECT_FALSE(parse_mcp_json(many + "]"));
}

// It would be read for minutes, by a thread that everybody waits for at the end.
TEST_F(ClientCoreTest, FailsACallWhoseAnswerIsAnObjectOfTooManyMembers) {
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  auto asked = std::async(std::launch::async, [&] { return call(**core); });
  const json request = server->wait_for("tools/call", 1).front();
  server->say(
      std::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", request["id"].dump(), object_with_members(300'000)));
  const auto result = asked.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().end, End::Failed);
  EXPECT_THAT(result.error().error.message, HasSubstr("it sent JSON with an object of more than 10,000 members"));
}

TEST_F(ClientCoreTest, AHandlerThatThrowsCancelsItsQuestionAndNothingElse) {
  handlers.ask = [](const McpQuestion&, const std::stop_token&) -> McpReply { throw std::runtime_error("no type"); };
  handlers.log = [](const McpLogLine&) { throw std::runtime_error("no log"); };
  auto core = connect(of_era(McpEra::Older, [](const json& message) -> Answers {
    if (!message.contains("id") || message["method"] != "tools/call") return {};
    return {result_for(message, {{"a", 1}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  server->say(json{{"jsonrpc", "2.0"}, {"method", "notifications/message"}, {"params", {{"data", "x"}}}});
  server->say(json{{"jsonrpc", "2.0"}, {"id", 7}, {"method", "elicitation/create"}, {"params", {{"message", "?"}}}});
  const auto answers = server->wait_for("", 1);
  EXPECT_EQ(answers.front()["result"]["action"], "cancel");
  EXPECT_TRUE(call(**core));
}

TEST_F(ClientCoreTest, MakesALogLinesLabelsPrintableAndShort) {
  config.env["KEY"] = "sk-0123456789";
  std::mutex mutex;
  std::vector<McpLogLine> lines;
  std::atomic<int> count{0};
  handlers.log = [&](const McpLogLine& line) {
    const std::scoped_lock lock(mutex);
    lines.push_back(line);
    ++count;
  };
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  server->say(
      json{{"jsonrpc", "2.0"},
           {"method", "notifications/message"},
           {"params", {{"level", "\x1b[2Jsk-0123456789"}, {"logger", std::string(1'000'000, 'l')}, {"data", "x"}}}});
  while (count == 0) std::this_thread::sleep_for(1ms);
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(lines.front().level, "[2J***");
  EXPECT_LE(lines.front().logger.size(), 110U);
}

TEST(SecretFilter, KnowsASecretOfSeveralLinesInEveryForm) {
  const std::string key = "-----BEGIN KEY-----\nMIIEabcdefgh\r\nZYXWvutsrqpo\n-----END KEY-----\n";
  const SecretFilter filter({.name = "s", .command = "c", .env = {{"PEM", key}}});
  EXPECT_EQ(filter("a" + key + "b"), "a***b");
  EXPECT_EQ(filter("a " + one_line(key)), "a ***");
  EXPECT_EQ(filter("line 2 is MIIEabcdefgh!"), "line 2 is ***!");
}

TEST(SecretFilter, HidesWhatACutLeavesOfASecret) {
  const SecretFilter filter({.name = "s", .command = "c", .env = {{"KEY", "sk-0123456789"}}});
  const std::string text = "the key sk-0123456789 is wrong";
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    EXPECT_THAT(filter(first_part(text, bytes)), Not(HasSubstr("sk-012"))) << bytes;
    EXPECT_THAT(filter("status 401: " + first_part(text, bytes) + "; more"), Not(HasSubstr("sk-012"))) << bytes;
    EXPECT_THAT(filter(last_part(text, bytes)), Not(HasSubstr("456789"))) << bytes;
  }
  EXPECT_EQ(filter("…"), "…");
  EXPECT_EQ(filter("sk-0…"), "sk-0…");
}

}  // namespace
}  // namespace llama::internal
