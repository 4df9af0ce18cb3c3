#include "llama-agent/agent_server.h"

#include <format>
#include <thread>

#include "agent_fixture.h"

namespace llama {
namespace {

using namespace std::chrono_literals;

TEST_F(AgentServerTest, KeepsAnswersInTheSessionAndReusesThem) {
  start({.reply = kShout});
  const auto id = session_with("one");
  const auto first = server_->generate({.session_id = id});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->generated_text, "HEARD one");
  EXPECT_EQ(first->finish_reason, FinishReason::EndOfSequence);

  ASSERT_TRUE(server_->add_message(id, {.content = "two"}));
  const auto second = server_->generate({.session_id = id});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->generated_text, "HEARD two");
  const auto session = server_->get_session(id);
  ASSERT_TRUE(session);
  ASSERT_EQ(session->messages.size(), 4);
  EXPECT_EQ(session->messages[1].role, MessageRole::Assistant);
  EXPECT_EQ(session->messages[1].content, "HEARD one");
  EXPECT_GE(second->usage.reused_tokens, first->usage.prompt_tokens + 8) << "prompt and answer of the first turn";
}

TEST_F(AgentServerTest, BothWaysToAskRefuseTheSame) {
  start();
  const auto both = [&](const GenerationRequest& request) {
    const auto whole = server_->generate(request);
    const auto stream = server_->generate_stream(request);
    EXPECT_FALSE(whole);
    EXPECT_FALSE(stream);
    EXPECT_EQ(code_of(whole), code_of(stream));
    return code_of(whole);
  };
  EXPECT_EQ(both({.session_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), ErrorCode::NotFound);
  EXPECT_EQ(both({.session_id = server_->create_session()->id}), ErrorCode::InvalidArgument) << "nothing to answer";
  const auto id = session_with("hello");
  EXPECT_EQ(both({.session_id = id, .sampling = {.temperature = 2.5F}}), ErrorCode::InvalidArgument);
  EXPECT_EQ(both({.session_id = id, .stopping = {.max_tokens = 0}}), ErrorCode::InvalidArgument);
  EXPECT_EQ(both({.session_id = id, .json_schema = "{"}), ErrorCode::InvalidArgument);
  EXPECT_TRUE(server_->generate({.session_id = id})) << "a refused request leaves the session free";
}

TEST_F(AgentServerTest, RefusesMessagesThatAreNoText) {
  start();
  const auto id = server_->create_session()->id;
  EXPECT_EQ(code_of(server_->add_message(id, {.content = "caf\xe9"})), ErrorCode::InvalidText);
  EXPECT_EQ(code_of(server_->add_message(id, {.content = " \n "})), ErrorCode::InvalidArgument);
  EXPECT_EQ(server_->get_session(id)->messages.size(), 0);
}

TEST_F(AgentServerTest, SaysByHowMuchAPromptIsTooLong) {
  start({.context_tokens = 256}, {.context_tokens = 256});
  const auto id = session_with(std::string(300, 'x'));
  const auto answer = server_->generate({.session_id = id});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::ContextFull);
  // "user:", the text, "\nassistant:\x02": 317 tokens, and one place for a reply.
  EXPECT_NE(answer.error().message.find("62"), std::string::npos) << answer.error().message;
}

TEST_F(AgentServerTest, LeavesOldTurnsOutWhereAskedAndSaysSo) {
  start({.context_tokens = 256, .reply = kShout});
  auto session = server_->create_session();
  ASSERT_TRUE(server_->add_message(session->id, {.role = MessageRole::System, .content = "be brief"}));
  std::int32_t dropped = 0;
  for (int turn = 0; turn < 8; ++turn) {
    ASSERT_TRUE(server_->add_message(session->id, {.content = std::string(30, static_cast<char>('a' + turn))}));
    const auto answer = server_->generate(
        {.session_id = session->id, .stopping = {.max_tokens = 40}, .overflow = OverflowPolicy::DropOldest});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->generated_text, "HEARD " + std::string(30, static_cast<char>('a' + turn)));
    dropped = answer->usage.dropped_messages;
  }
  EXPECT_GT(dropped, 4);
  EXPECT_EQ(server_->get_session(session->id)->messages.size(), 17) << "the session itself loses nothing";
}

// Each try renders and tokenizes the whole conversation.
TEST_F(AgentServerTest, FindsInFewTriesHowManyOldTurnsToLeaveOut) {
  start({.context_tokens = 256, .reply = kShout});
  const auto id = server_->create_session()->id;
  for (int turn = 0; turn < 100; ++turn) {
    ASSERT_TRUE(server_->add_message(id, {.content = std::string(20, 'a')}));
    const Message yes{.role = MessageRole::Assistant, .content = "yes"};
    ASSERT_TRUE(turn == 99 || server_->add_message(id, yes));
  }
  const auto answer =
      server_->generate({.session_id = id, .stopping = {.max_tokens = 50}, .overflow = OverflowPolicy::DropOldest});
  ASSERT_TRUE(answer) << answer.error().message;
  // A turn has "user:", its text and a line break, "assistant:\x02yes" and one; the last has no answer.
  constexpr int kTurn = 5 + 20 + 1 + 11 + 3 + 1, kLast = 5 + 20 + 1 + 11;
  constexpr int kFitting = (256 - 50 - kLast) / kTurn;
  EXPECT_EQ(answer->usage.prompt_tokens, kLast + kFitting * kTurn);
  EXPECT_EQ(answer->usage.dropped_messages, (99 - kFitting) * 2);
  EXPECT_LE(counts_->prompts, 16);
}

TEST_F(AgentServerTest, ATimeWithoutEndNeverIsOver) {
  AgentConfig config;
  config.queue.request_timeout = std::chrono::seconds::max();
  config.sessions.session_timeout = std::chrono::seconds::max();
  start({.reply = kShout}, config);
  const auto answer = server_->generate(
      {.session_id = session_with("one"), .stopping = {.time_limit = std::chrono::milliseconds::max()}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->finish_reason, FinishReason::EndOfSequence);
  EXPECT_EQ(answer->generated_text, "HEARD one");
}

TEST_F(AgentServerTest, OneReplyAtATimePerSession) {
  start({.time_per_token = 1ms, .endless = true});
  const auto id = session_with("hello");
  auto first = server_->generate_stream({.session_id = id});
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(server_->generate_stream({.session_id = id})), ErrorCode::Busy);
}

TEST_F(AgentServerTest, DestroyingAStreamCancelsItAndFreesTheSession) {
  start({.max_sequences = 1, .time_per_token = 1ms, .endless = true});
  const auto id = session_with("hello");
  {
    auto stream = server_->generate_stream({.session_id = id});
    ASSERT_TRUE(stream);
    ASSERT_TRUE(stream->next());
  }
  const auto other = session_with("world");
  auto next = server_->generate({.session_id = other, .stopping = {.max_tokens = 3}});
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(next->finish_reason, FinishReason::TokenLimit);
  ASSERT_TRUE(server_->add_message(id, {.content = "again"}));
  EXPECT_TRUE(server_->generate({.session_id = id, .stopping = {.max_tokens = 3}}));
  EXPECT_EQ(server_->metrics().cancelled, 1);
}

TEST_F(AgentServerTest, TheCallersStopTokenEndsAReplyWithWhatThereIs) {
  start({.time_per_token = 1ms, .endless = true});
  const auto id = session_with("hello");
  std::stop_source stop;
  auto stream = server_->generate_stream({.session_id = id}, stop.get_token());
  ASSERT_TRUE(stream);
  std::string told;
  for (int i = 0; i < 3; ++i) told += (*stream->next())->text;
  stop.request_stop();
  for (;;) {
    auto chunk = stream->next();
    ASSERT_TRUE(chunk);
    if (!*chunk) break;
    told += (*chunk)->text;
  }
  EXPECT_EQ(stream->response().finish_reason, FinishReason::Cancelled);
  EXPECT_EQ(stream->response().generated_text, told);
  EXPECT_EQ(server_->get_session(id)->messages.back().content, told) << "what was said stays";
}

TEST_F(AgentServerTest, ASlowReaderLosesNothing) {
  const std::string speech(700, 's');
  start({.reply = [&](std::string_view) { return speech; }});
  auto stream = server_->generate_stream({.session_id = session_with("hello"), .stopping = {.max_tokens = 800}});
  ASSERT_TRUE(stream);
  std::string told;
  for (int i = 0;; ++i) {
    if (i % 100 == 0) std::this_thread::sleep_for(20ms);
    auto chunk = stream->next();
    ASSERT_TRUE(chunk);
    if (!*chunk) break;
    told += (*chunk)->text;
  }
  EXPECT_EQ(told, speech);
}

TEST_F(AgentServerTest, AFullQueueRefusesAndTheSessionStaysFree) {
  AgentConfig config;
  config.queue.max_queue_size = 1;
  start({.max_sequences = 1, .time_per_token = 1ms, .endless = true}, config);
  auto runs = server_->generate_stream({.session_id = session_with("first")});
  ASSERT_TRUE(runs);
  ASSERT_TRUE(runs->next());  // so it waits no longer
  auto waits = server_->generate_stream({.session_id = session_with("second")});
  ASSERT_TRUE(waits);
  const auto third = session_with("third");
  EXPECT_EQ(code_of(server_->generate_stream({.session_id = third})), ErrorCode::Busy);
  runs->cancel();
  waits->cancel();
  Result<GenerationResponse> answer = fail(ErrorCode::Busy, "");
  for (int i = 0; i < 200 && !answer; ++i) {
    answer = server_->generate({.session_id = third, .stopping = {.max_tokens = 3}});
    if (!answer) std::this_thread::sleep_for(5ms);
  }
  ASSERT_TRUE(answer) << answer.error().message;
}

TEST_F(AgentServerTest, AnExpiredSessionSaysSo) {
  AgentConfig config;
  config.sessions.session_timeout = 1s;
  start({}, config);
  const auto id = session_with("hello");
  std::this_thread::sleep_for(1100ms);
  const auto answer = server_->generate({.session_id = id});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::NotFound);
  EXPECT_NE(answer.error().message.find("expired"), std::string::npos) << answer.error().message;
}

TEST_F(AgentServerTest, ARuleThatThrowsEndsItsOwnReplyOnly) {
  start({.time_per_token = 100us, .reply = kShout});
  GenerationRequest bad{.session_id = session_with("bad")};
  bad.stopping.rules.push_back(
      [](std::string_view, std::int32_t) -> std::optional<std::string> { throw std::runtime_error("oops"); });
  auto good = server_->generate_stream({.session_id = session_with("good")});
  const auto broken = server_->generate(bad);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->finish_reason, FinishReason::StopRule);
  EXPECT_NE(broken->finish_detail.find("oops"), std::string::npos);
  ASSERT_TRUE(good);
  for (auto chunk = good->next(); chunk && *chunk; chunk = good->next()) {
  }
  EXPECT_EQ(good->response().generated_text, "HEARD good");
}

TEST_F(AgentServerTest, AfterShutdownEverythingIsRefused) {
  start({.time_per_token = 1ms, .endless = true});
  const auto id = session_with("hello");
  auto stream = server_->generate_stream({.session_id = id});
  EXPECT_EQ(server_->health().status, "healthy");
  EXPECT_EQ(server_->health().active_sessions, 1);
  server_->shutdown();
  auto last = stream->next();
  while (last && *last) last = stream->next();
  EXPECT_TRUE(last ? stream->response().finish_reason == FinishReason::Cancelled
                   : last.error().code == ErrorCode::Cancelled);
  EXPECT_EQ(server_->health().status, "shut down");
  EXPECT_EQ(code_of(server_->generate({.session_id = session_with("x")})), ErrorCode::Cancelled);
}

TEST_F(AgentServerTest, ManyThreadsTalkAndEveryAnswerIsTheirs) {
  AgentConfig config;
  config.queue.max_queue_size = 1000;
  start({.context_tokens = 4096, .reply = kShout}, config);
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string text = std::format("{} {}", t, i);
        const auto id = session_with(text);
        const auto answer = server_->generate({.session_id = id});
        if (answer && answer->generated_text == "HEARD " + text) ++right;
        EXPECT_TRUE(server_->sessions().remove(id));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 200);
  const auto metrics = server_->metrics();
  EXPECT_EQ(metrics.completed, 200);
  EXPECT_EQ(metrics.running, 0);
  EXPECT_EQ(metrics.queue_size, 0);
}

}  // namespace
}  // namespace llama
