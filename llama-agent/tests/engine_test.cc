#include "../src/engine/engine.h"

#include <gtest/gtest.h>

#include "echo_format.h"
#include "scripted_decoder.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;

struct Asked {
  std::shared_ptr<ReplyStream> stream;
  std::stop_source cancel;
};

class EngineTest : public testing::Test {
 protected:
  void start(ScriptedDecoder::Config config, QueueConfig queue = {}) {
    auto decoder = std::make_unique<ScriptedDecoder>(std::move(config));
    counts_ = decoder->counts();
    engine_ = std::make_unique<Engine>(std::move(decoder), queue);
  }

  Result<Asked> ask(std::string text, std::int32_t max_tokens = 100, ReplyRules rules = {},
                    std::vector<std::int32_t> checkpoints = {}) {
    auto job = job_for(std::move(text));
    job->rules = std::move(rules);
    job->rules.stopping.max_tokens = max_tokens;
    job->checkpoints = std::move(checkpoints);
    return ask(std::move(job));
  }

  Result<Asked> ask(std::unique_ptr<Job> job) {
    Asked asked{job->stream, job->cancel};
    if (auto submitted = engine_->submit(std::move(job)); !submitted) return std::unexpected(submitted.error());
    return asked;
  }

  static std::unique_ptr<Job> job_for(std::string text) {
    auto job = std::make_unique<Job>();
    text += ScriptedDecoder::kReply;
    for (const char c : text) job->prompt.push_back(static_cast<unsigned char>(c));
    job->sampler = std::make_unique<ScriptedDecoder::MostLikely>();
    job->stream = std::make_shared<ReplyStream>();
    return job;
  }

  static Result<GenerationResponse> wait(const Asked& asked) {
    std::string told;
    for (;;) {
      auto chunk = asked.stream->next();
      if (!chunk) return std::unexpected(chunk.error());
      if (!*chunk) break;
      told += (*chunk)->text;
    }
    EXPECT_TRUE(asked.stream->ended()->generated_text.ends_with(told)) << "the chunks are the reply";
    return asked.stream->ended();
  }

  Result<GenerationResponse> answer(std::string text, std::int32_t max_tokens = 100, ReplyRules rules = {}) {
    const auto asked = ask(std::move(text), max_tokens, std::move(rules));
    if (!asked) return std::unexpected(asked.error());
    return wait(*asked);
  }

  std::shared_ptr<ScriptedDecoder::Counts> counts_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, GivesTheReplyAndCountsItsTokens) {
  start({});
  const auto reply = answer("hello");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->generated_text, "re: hello");
  EXPECT_EQ(reply->finish_reason, FinishReason::EndOfSequence);
  EXPECT_EQ(reply->usage.prompt_tokens, 6);
  EXPECT_EQ(reply->usage.generated_tokens, 9);
  EXPECT_EQ(engine_->metrics().completed, 1U);
}

TEST_F(EngineTest, TheLimitCountsTheReplyAlone) {
  start({.batch_tokens = 8});
  const auto reply = answer(std::string(200, 'x'), 5);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->generated_text, "re: x");
  EXPECT_EQ(reply->finish_reason, FinishReason::TokenLimit);
}

TEST_F(EngineTest, AnswersManyAtOnceInCommonSteps) {
  start({.time_per_token = 100us});
  std::vector<Asked> all;
  for (int i = 0; i < 12; ++i) all.push_back(*ask("question " + std::to_string(i)));
  for (int i = 0; i < 12; ++i) {
    const auto reply = wait(all[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->generated_text, "re: question " + std::to_string(i));
  }
  EXPECT_EQ(counts_->most_sequences, 4);
}

TEST_F(EngineTest, ComputesOnlyWhatIsNewInASecondTurn) {
  start({});
  const std::string first(300, 'a');
  ASSERT_TRUE(answer(first, 10));
  const int before = counts_->tokens;
  const auto reply = answer(first + "b", 10);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->usage.reused_tokens, 300);
  EXPECT_EQ(counts_->tokens - before, 2 + 9) << "two new tokens of the prompt, nine of ten of the reply";
}

TEST_F(EngineTest, ComputesOneTokenAgainWhereThePromptIsTheSame) {
  start({});
  const std::string prompt(100, 'a');
  const auto first = answer(prompt, 10), second = answer(prompt, 10);
  EXPECT_EQ(first->generated_text, second->generated_text);
  EXPECT_EQ(second->usage.reused_tokens, 100);
}

TEST_F(EngineTest, SharesTheBeginningOfASequenceThatIsInUse) {
  start({.time_per_token = 200us, .endless = true});
  const std::string system(100, 's');
  const auto busy = ask(system + "one", 2000);
  ASSERT_TRUE(busy);
  ASSERT_TRUE(*busy->stream->next());
  const auto reply = answer(system + "two", 5);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->usage.reused_tokens, 100);
  EXPECT_GE(counts_->shared, 1);
}

TEST_F(EngineTest, BringsASequenceBackThatHadToGo) {
  start({.context_tokens = 512, .max_sequences = 2});
  const auto text = [](char c) { return std::string(150, c); };
  for (const char c : {'a', 'b', 'c', 'd'}) ASSERT_TRUE(answer(text(c), 10));
  EXPECT_GT(counts_->saved, 0);
  const auto again = answer(text('a') + "+", 10);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->usage.reused_tokens, 150);
  EXPECT_EQ(counts_->restored, 1);
}

TEST_F(EngineTest, GoesBackToACheckpointWhereMemoryCannotBeCut) {
  start({.recurrent = true});
  const std::string first(100, 'a');
  const auto asked = ask(first, 10, {}, {90});
  ASSERT_TRUE(wait(*asked));
  const auto reply = answer(first + "b", 10);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->usage.reused_tokens, 90);
  EXPECT_EQ(reply->generated_text, "re: aaaaaa");
}

TEST_F(EngineTest, RefusesMoreThanMayWait) {
  start({.max_sequences = 1, .time_per_token = 1ms, .endless = true}, {.max_queue_size = 2});
  std::vector<Asked> all{*ask("a", 500)};
  ASSERT_TRUE(*all[0].stream->next()) << "it runs";
  all.push_back(*ask("b"));
  all.push_back(*ask("c"));
  const auto refused = ask("d");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(engine_->metrics().peak_queue_size, 2);
}

TEST_F(EngineTest, ACancelledReplyEndsSoonAndFreesItsPlace) {
  start({.max_sequences = 1, .time_per_token = 1ms, .endless = true});
  const auto asked = ask("a", 900);
  ASSERT_TRUE(*asked->stream->next());
  auto cancel = asked->cancel;
  cancel.request_stop();
  const auto reply = wait(*asked);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->finish_reason, FinishReason::Cancelled);
  EXPECT_LT(reply->usage.generated_tokens, 900);
  EXPECT_EQ(answer("b", 3)->generated_text, "re:");
}

TEST_F(EngineTest, AReplyThatWaitsCanBeCancelledAndTimesOut) {
  start({.max_sequences = 1, .time_per_token = 1ms, .endless = true}, {.request_timeout = 1s});
  const auto busy = ask("a", 100'000);
  ASSERT_TRUE(*busy->stream->next());
  auto cancelled = *ask("b");
  cancelled.cancel.request_stop();
  EXPECT_EQ(wait(cancelled).error().code, ErrorCode::Cancelled);
  const auto late = ask("c");
  const auto ended = wait(*late);
  EXPECT_EQ(wait(*busy)->finish_reason, FinishReason::TimeLimit);
  EXPECT_TRUE(!ended ? ended.error().code == ErrorCode::TimedOut : ended->finish_reason == FinishReason::TimeLimit);
}

TEST_F(EngineTest, ShutdownEndsRepliesInTheMiddle) {
  start({.batch_tokens = 4096, .time_per_token = 1ms, .endless = true});
  std::vector<Asked> all;
  for (int i = 0; i < 8; ++i) all.push_back(*ask(std::string(100, static_cast<char>('a' + i)), 900));
  std::this_thread::sleep_for(50ms);
  engine_->shutdown();
  for (const auto& asked : all) {
    const auto end = wait(asked);
    EXPECT_TRUE(end ? end->finish_reason == FinishReason::Cancelled : end.error().code == ErrorCode::Cancelled);
  }
  EXPECT_EQ(ask("x").error().code, ErrorCode::Cancelled);
}

TEST_F(EngineTest, AFailedStepFailsItsRequestsAndNoOther) {
  for (const auto code : {ErrorCode::Internal, ErrorCode::OutOfMemory}) {
    for (int call = 0; call < 8; ++call) {
      start({.fail_at_call = call, .fail_with = code});
      const auto failed = answer("hello");
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, code);
      const auto next = answer("again");
      ASSERT_TRUE(next) << next.error().message;
      EXPECT_EQ(next->generated_text, "re: again");
    }
  }
}

TEST_F(EngineTest, EndsWhereTheContextIsFull) {
  start({.context_tokens = 64, .max_sequences = 1, .endless = true});
  const auto reply = answer("hello", 1000);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->finish_reason, FinishReason::ContextFull);
  EXPECT_GE(reply->usage.generated_tokens, 57);
}

TEST_F(EngineTest, ALongPromptDoesNotStopTheOthers) {
  // 1 ms a token and a target of 40 ms: a prompt of 400 tokens must not take all of a step.
  start({.context_tokens = 4096, .batch_tokens = 512, .time_per_token = 1ms, .endless = true}, {.step_target = 40ms});
  const auto busy = ask("a", 1000);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(*busy->stream->next());
  const auto reply = answer(std::string(400, 'x'), 3);
  ASSERT_TRUE(reply);
  EXPECT_GT(engine_->metrics().longest_step, 0ms);
  EXPECT_LE(counts_->largest_batch, 65)
      << "64 before the cost of a token is known, then no more than the target has room for";
}

TEST_F(EngineTest, ClosesAThoughtThatUsedItsBudgetUp) {
  start({.reply = [](std::string_view prompt) {
    return prompt.contains("think") ? "<think>" + std::string(50, 'h') + "</think>yes" : std::string();
  }});
  auto job = job_for("think");
  job->rules.format_options = {.thinking_opener = "<think>", .thinking_closer = "</think>"};
  job->thinking_budget = 10;
  for (const char c : std::string("</think>")) job->thinking_end.push_back(c);
  const auto reply = wait(*ask(std::move(job)));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->thinking, std::string(10, 'h'));
  EXPECT_FALSE(reply->generated_text.empty());
}

TEST_F(EngineTest, AFormatSeesTheControlTokensThatItWishesAndMayEndTheReply) {
  start({.reply = [](std::string_view) { return std::string("a\x03z!more"); }});
  for (const bool wished : {true, false}) {
    auto job = job_for("x");
    job->rules.format = &kEcho;
    if (wished) job->shown_control_tokens = {ScriptedDecoder::kControl};
    const auto reply = wait(*ask(std::move(job)));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->generated_text, wished ? "a[<control>]z!" : "az!");
    EXPECT_EQ(reply->finish_reason, FinishReason::EndOfSequence);
  }
}

TEST_F(EngineTest, ManyThreadsAskAndNothingIsLost) {
  start({.context_tokens = 512});
  std::vector<std::jthread> askers;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    askers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string question = "q" + std::to_string(t) + "." + std::to_string(i);
        const auto reply = answer(question);
        if (reply && reply->generated_text == "re: " + question) ++right;
      }
    });
  }
  askers.clear();
  EXPECT_EQ(right, 160);
}

}  // namespace
}  // namespace llama::internal
