// Calls run as planned, whatever they do.
#include "../src/tools/call_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <format>
#include <latch>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "../src/at_most_a_year.h"
#include "../src/tools/run_stop.h"
#include "executor_case.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;

const ToolFunction kWaits = [](const std::string&, const ToolContext& context) {
  while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
  return ToolResult{"late"};
};

TEST(CallExecutor, CallsThatMayRunAtOnceDo) {
  ExecutorCase c;
  std::latch both(2);
  const ToolFunction meets = [&](const std::string&, const ToolContext&) {
    both.arrive_and_wait();
    return ToolResult{"met"};
  };
  c.add("a", "{}", meets);
  c.add("b", "{}", meets);
  for (const auto& end : c.run()) EXPECT_EQ(end.result.text, "met");
}

TEST(CallExecutor, NoMoreThanTheCapRunAtOnce) {
  ExecutorCase c;
  std::atomic<int> now{0}, most{0};
  for (int i = 0; i < 12; ++i) {
    c.add("t", "{}", [&](const std::string&, const ToolContext&) {
      const int running = ++now;
      for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
      }
      std::this_thread::sleep_for(2ms);
      --now;
      return ToolResult{"x"};
    });
  }
  c.rules.parallel.max_parallel_tools = 3;
  EXPECT_EQ(c.run().size(), 12U);
  EXPECT_LE(most, 3);
}

TEST(CallExecutor, PutsResultsIntoArgumentsAndChecksThemThen) {
  ExecutorCase c;
  c.add("find", "{}", [](const std::string&, const ToolContext&) { return ToolResult{R"({"n":3})"}; });
  c.add("use", R"({"count":"${find.n}"})", kEchoBack);
  c.tools.back().definition.parameters =
      R"({"type":"object","properties":{"count":{"type":"integer"}},"required":["count"]})";
  c.add("text", R"({"count":"${find.n}"})", kEchoBack);
  c.tools.back().definition.parameters = R"({"type":"object","properties":{"count":{"type":"string"}}})";
  c.add("wrong", R"({"count":"${find.n}"})", kEchoBack);
  c.tools.back().definition.parameters = R"({"type":"object","properties":{"count":{"type":"boolean"}}})";
  c.add("needs", R"({"q":"${wrong}"})", kEchoBack);
  const auto ends = c.run();
  EXPECT_EQ(ends[1].result.text, R"({"count":3})");
  EXPECT_EQ(ends[2].result.text, R"({"count":"3"})") << "where the schema wants text, it is text";
  EXPECT_TRUE(ends[3].result.is_error);
  EXPECT_NE(ends[3].wrong_arguments, "");
  EXPECT_EQ(ends[4].result.text, "not run: it needs the result of call 4, wrong, which failed");
  EXPECT_FALSE(ends[4].was_run);
}

TEST(CallExecutor, AToolMayThrowWhatItLikes) {
  ExecutorCase c;
  c.add("a", "{}", [](const std::string&, const ToolContext&) -> ToolResult { throw std::runtime_error("no disk"); });
  c.add("b", "{}", [](const std::string&, const ToolContext&) -> ToolResult { throw 3; });
  const auto ends = c.run();
  EXPECT_EQ(ends[0].result, (ToolResult{"the tool failed: no disk", true}));
  EXPECT_EQ(ends[1].result, (ToolResult{"the tool failed and gave no reason", true}));
}

TEST(CallExecutor, ATimeOutIsAResultAndReachesTheTool) {
  ExecutorCase c;
  c.rules.limits.call_time_limit = 400ms;
  c.add("slow", "{}", kWaits);
  c.add("quick", "{}", kEchoBack);
  const auto ends = c.run();
  EXPECT_EQ(ends[0].result, (ToolResult{"stopped: the tool did not answer within 400 ms", true}));
  EXPECT_EQ(ends[1].result.text, "{}");
  EXPECT_TRUE(c.remarks.empty());
}

TEST(CallExecutor, AToolThatDoesNotStopIsLeftBehindAndWhatItDisturbsIsNotRun) {
  std::atomic<bool> over = false;
  ExecutorCase c;
  c.rules.limits.call_time_limit = 500ms;
  c.rules.limits.give_up_after = 50ms;
  c.add("deaf", "{}",
        [&](const std::string&, const ToolContext&) {
          while (!over) std::this_thread::sleep_for(1ms);
          return ToolResult{"at last"};
        },
        {});
  c.add("next", "{}", kEchoBack, {});
  c.add("other", "{}", kEchoBack, {}, "elsewhere");
  const auto ends = c.run();
  over = true;
  EXPECT_TRUE(ends[0].result.is_error);
  EXPECT_TRUE(ends[1].result.text.contains("may still be at work")) << ends[1].result.text;
  EXPECT_FALSE(ends[1].was_run);
  EXPECT_EQ(ends[2].result.text, "{}");
  ASSERT_EQ(c.remarks.size(), 1U);
  EXPECT_EQ(c.remarks[0], "tool 'deaf' did not stop when told to and was left behind");
}

TEST(CallExecutor, CancellationReachesWhatRunsAndWhatWaits) {
  ExecutorCase c;
  std::stop_source stop;
  c.rules.stop = stop.get_token();
  c.add("a", "{}",
        [&](const std::string& arguments, const ToolContext& context) {
          stop.request_stop();
          return kWaits(arguments, context);
        },
        {});
  c.add("b", "{}", kEchoBack, {});
  const auto ends = c.run();
  EXPECT_EQ(ends[0].result.text, "stopped: the run was cancelled");
  EXPECT_EQ(ends[1].result.text, "not run: the run was cancelled");
}

TEST(CallExecutor, ProgressExtendsTheTimeOfACallAndNotForEver) {
  ExecutorCase c;
  c.rules.limits.call_time_limit = 500ms;
  const auto tells = [](int times, std::chrono::milliseconds pause) {
    return [=](const std::string&, const ToolContext& context) {
      for (int i = 0; i < times && !context.stop.stop_requested(); ++i) {
        context.progress({static_cast<double>(i)});
        std::this_thread::sleep_for(pause);
      }
      return ToolResult{"done"};
    };
  };
  c.add("a", "{}", tells(10, 100ms));
  EXPECT_EQ(c.run()[0].result.text, "done");

  ExecutorCase endless;
  endless.rules.limits.call_time_limit = 20ms;
  endless.add("a", "{}", tells(100'000, 1ms));
  const auto ends = endless.run();
  EXPECT_TRUE(ends[0].result.is_error);
  EXPECT_EQ(ends[0].result.text.find("stopped: the tool did not answer within "), 0U) << ends[0].result.text;
}

// "No limit" is the largest number that there is, and no time can be added to it.
TEST(CallExecutor, ALargestTimeIsNoLimit) {
  constexpr auto kNoLimit = std::chrono::milliseconds::max();
  EXPECT_EQ(at_most_a_year(kNoLimit), std::chrono::hours(24 * 365));
  EXPECT_EQ(at_most_a_year(std::chrono::seconds::max()), std::chrono::hours(24 * 365));
  EXPECT_EQ(at_most_a_year(5ms), 5ms);
  const auto unlimited = [&](ExecutorCase& c) {
    c.rules.limits.call_time_limit = c.rules.limits.give_up_after = kNoLimit;
    c.rules.approvals.mode = ApprovalMode::Ask;
    c.rules.approvals.time_limit = kNoLimit;
    c.rules.approvals.asker = [](const auto&, const std::stop_token& stop) {
      std::this_thread::sleep_for(20ms);
      return ApprovalAnswer{.kind = stop.stop_requested() ? ApprovalAnswer::Kind::Deny : ApprovalAnswer::Kind::Once};
    };
  };
  ExecutorCase done;
  unlimited(done);
  done.add("a", "{}", [](const std::string&, const ToolContext& context) {
    context.progress({1});
    std::this_thread::sleep_for(20ms);
    const bool has_time = context.deadline > std::chrono::steady_clock::now() + std::chrono::hours(24 * 300);
    return ToolResult{has_time && !context.stop.stop_requested() ? "done" : "stopped"};
  });
  EXPECT_EQ(done.run()[0].result.text, "done");
  EXPECT_TRUE(done.remarks.empty());

  ExecutorCase cancelled;
  unlimited(cancelled);
  std::stop_source stop;
  cancelled.rules.stop = stop.get_token();
  cancelled.add("a", "{}", [&](const std::string&, const ToolContext& context) {
    stop.request_stop();
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(20ms);
    return ToolResult{"late"};
  });
  EXPECT_EQ(cancelled.run()[0].result.text, "stopped: the run was cancelled");
  EXPECT_TRUE(cancelled.remarks.empty()) << "it was not left behind";

  const RunStop run({}, {}, kNoLimit);
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(run.timed_out());
  EXPECT_FALSE(run.is_requested());
}

TEST(CallExecutor, TellsProgressAndNeverTooMuch) {
  ExecutorCase c;
  c.add("a", "{}", [](const std::string&, const ToolContext& context) {
    for (int i = 0; i < 100'000; ++i) context.progress({static_cast<double>(i), 100'000.0, std::string(5000, 'x')});
    std::this_thread::sleep_for(50ms);
    return ToolResult{"done"};
  });
  EXPECT_EQ(c.run()[0].result.text, "done");
  const auto told = c.told<CallProgress>();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().progress.progress, 99'999);
  EXPECT_LT(told.back().progress.message.size(), 2000U);
}

// Any graph, any finishing order: the same results in the same order; nobody before what it needs; no conflict
// overlaps.
TEST(CallExecutor, KeepsWhatThePlanPromisesWhateverTakesHowLong) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return random() % n; };
  for (int round = 0; round < 60; ++round) {
    struct Spec {
      std::string arguments, server;
      ToolHints hints;
    };
    std::vector<Spec> specs;
    const auto count = 2 + below(7);
    for (unsigned i = 0; i < count; ++i) {
      std::string arguments = std::format(R"({{"i":{}}})", i);
      if (i > 0 && below(3) == 0) arguments = std::format(R"({{"i":{},"q":"${{{}}}"}})", i, 1 + below(i));
      if (below(3) == 0) arguments = std::format(R"({{"i":{},"path":"/{}"}})", i, below(3));
      specs.push_back(
          {arguments, below(3) == 0 ? "t" : "", {.read_only = below(2) == 0, .destructive = below(6) == 0}});
    }
    std::vector<std::string> first;
    for (int repeat = 0; repeat < 3; ++repeat) {
      ExecutorCase c;
      c.rules.parallel.max_parallel_tools = static_cast<std::int32_t>(1 + below(5));
      std::mutex mutex;
      std::set<std::size_t> running, ended;
      std::vector<CallToPlan> to_plan;
      for (std::size_t i = 0; i < specs.size(); ++i) {
        const auto name = std::format("t{}", i);
        const auto time = std::chrono::microseconds(below(1500));
        c.add(
            name, specs[i].arguments,
            [&, i, time](const std::string& arguments, const ToolContext&) {
              {
                const std::scoped_lock lock(mutex);
                const auto plan = plan_calls(to_plan, {});
                for (const auto& wait : plan.waits[i]) EXPECT_TRUE(ended.contains(wait.call)) << i;
                for (const std::size_t other : running) {
                  for (const auto& wait : plan.waits[other]) EXPECT_NE(wait.call, i);
                }
                running.insert(i);
              }
              std::this_thread::sleep_for(time);
              const std::scoped_lock lock(mutex);
              running.erase(i);
              ended.insert(i);
              return ToolResult{std::format("r{}:{}", i, arguments)};
            },
            specs[i].hints, specs[i].server);
        to_plan.push_back(
            {c.calls[i].call.id, name, c.tools[i].full_name(), c.tools[i].definition, specs[i].arguments});
      }
      std::vector<std::string> texts;
      for (const auto& end : c.run()) texts.push_back(end.result.text);
      if (repeat == 0) first = texts;
      EXPECT_EQ(texts, first) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace llama::internal
