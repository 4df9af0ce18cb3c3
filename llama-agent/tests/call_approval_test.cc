// A call is run when a mode, a rule or somebody who is asked allows it.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "executor_case.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;

ApprovalAnswer allow(const ApprovalQuestion&, const std::stop_token&) { return {ApprovalAnswer::Kind::Once}; }

TEST(CallApproval, ModesAndRulesDecideAsThisTableSays) {
  struct Row {
    std::string name;
    ApprovalMode mode;
    std::vector<ApprovalRule> rules;
    ApprovalAsker asker;
    bool runs;
  };
  const ApprovalAsker deny = [](const ApprovalQuestion&, const std::stop_token&) { return ApprovalAnswer{}; };
  const std::vector<Row> rows = {
      {"asked", ApprovalMode::Ask, {}, allow, true},
      {"asked and denied", ApprovalMode::Ask, {}, deny, false},
      {"nobody to ask", ApprovalMode::Ask, {}, {}, false},
      {"always", ApprovalMode::Always, {}, {}, true},
      {"never", ApprovalMode::Never, {}, allow, false},
      {"never, whatever the rules say", ApprovalMode::Never, {{"*", ApprovalAction::Allow}}, allow, false},
      {"a rule allows", ApprovalMode::Ask, {{"s.*", ApprovalAction::Allow}}, {}, true},
      {"a rule denies", ApprovalMode::Always, {{"s.t", ApprovalAction::Deny}}, allow, false},
      {"a rule asks", ApprovalMode::Always, {{"s.t", ApprovalAction::Ask}}, deny, false},
      {"the first rule decides",
       ApprovalMode::Ask,
       {{"s.t", ApprovalAction::Deny}, {"*", ApprovalAction::Allow}},
       allow,
       false},
      {"a rule for others", ApprovalMode::Ask, {{"u.*", ApprovalAction::Allow}}, {}, false},
      {"a rule for all but others", ApprovalMode::Always, {{"s.*", ApprovalAction::Deny, {"s.u"}}}, allow, false},
      {"a rule for all but it", ApprovalMode::Always, {{"s.*", ApprovalAction::Deny, {"s.u", "s.t"}}}, {}, true},
  };
  for (const auto& row : rows) {
    ExecutorCase c;
    c.rules.approvals.mode = row.mode;
    c.rules.approvals.rules = row.rules;
    c.rules.approvals.asker = row.asker;
    c.add("t", "{}", kEchoBack, {.read_only = true}, "s");
    const auto ends = c.run();
    EXPECT_EQ(ends[0].was_run, row.runs) << row.name;
    EXPECT_EQ(ends[0].result.is_error, !row.runs) << row.name;
    ASSERT_EQ(c.told<ApprovalDecided>().size(), 1U) << row.name;
    EXPECT_EQ(c.told<ApprovalDecided>()[0].is_allowed, row.runs) << row.name;
  }
}

TEST(CallApproval, HintsNeverLoosenIt) {
  for (const ToolHints hints : {ToolHints{.read_only = true}, ToolHints{.destructive = false}, ToolHints{}}) {
    EXPECT_EQ(decide({}, {.name = "t", .hints = hints, .server = "s"}), ApprovalAction::Ask);
  }
}

TEST(CallApproval, NobodyToAskIsSaidOnceAndToldToTheModel) {
  ExecutorCase c;
  c.rules.approvals.mode = ApprovalMode::Ask;
  c.add("a", "{}", kEchoBack);
  const auto ends = c.run();
  EXPECT_EQ(ends[0].result.text, "not run: the call was denied: nobody is there to approve it");
  ASSERT_EQ(c.remarks.size(), 1U);
}

TEST(CallApproval, ADenialTellsItsReason) {
  ExecutorCase c;
  c.rules.approvals = {.asker = [](const auto&, const auto&) { return ApprovalAnswer{.reason = "not on Sundays"}; },
                       .memory = std::make_shared<ApprovalMemory>()};
  c.add("a", "{}", kEchoBack);
  EXPECT_EQ(c.run()[0].result.text, "not run: the call was denied: not on Sundays");
}

TEST(CallApproval, ForAToolHoldsUntilItsDefinitionChanges) {
  int asked = 0;
  std::vector<ApprovalQuestion> questions;
  ExecutorCase c;
  c.rules.approvals = {.asker =
                           [&](const ApprovalQuestion& question, const auto&) {
                             ++asked;
                             questions.push_back(question);
                             return ApprovalAnswer{ApprovalAnswer::Kind::Tool};
                           },
                       .memory = std::make_shared<ApprovalMemory>()};
  c.add("a", R"({"x":1})", kEchoBack);
  c.add("a", R"({"x":2})", kEchoBack);
  (void)c.run();
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(questions[0].is_first);
  EXPECT_EQ(questions[0].arguments, R"({"x":1})");
  c.tools[0].definition.description = "now it does something else";
  (void)c.run();
  ASSERT_EQ(asked, 2);
  EXPECT_TRUE(questions[1].is_first);
  EXPECT_TRUE(questions[1].has_changed);
}

TEST(CallApproval, OnceHoldsForOneCall) {
  int asked = 0;
  ExecutorCase c;
  c.rules.approvals.mode = ApprovalMode::Ask;
  c.rules.approvals.asker = [&](const ApprovalQuestion& q, const auto&) {
    EXPECT_EQ(q.is_first, asked == 0);
    ++asked;
    return ApprovalAnswer{ApprovalAnswer::Kind::Once};
  };
  c.add("a", "{}", kEchoBack);
  c.add("a", "{}", kEchoBack);
  (void)c.run();
  EXPECT_EQ(asked, 2);
}

TEST(CallApproval, MayChangeTheArgumentsWithinTheSchema) {
  for (const bool fits : {true, false}) {
    ExecutorCase c;
    c.rules.approvals.mode = ApprovalMode::Ask;
    c.rules.approvals.asker = [&](const auto&, const auto&) {
      return ApprovalAnswer{.kind = ApprovalAnswer::Kind::Once, .arguments = fits ? R"({"x":2})" : R"({"x":"2"})"};
    };
    c.add("a", R"({"x":1})", kEchoBack);
    c.tools[0].definition.parameters = R"({"type":"object","properties":{"x":{"type":"integer"}}})";
    const auto ends = c.run();
    EXPECT_EQ(ends[0].was_run, fits);
    EXPECT_TRUE(ends[0].result.text.contains(fits ? R"({"x":2})" : "do not match")) << ends[0].result.text;
  }
}

TEST(CallApproval, NoAnswerInTimeIsADenialEvenFromAnAskerThatNeverComesBack) {
  for (const bool listens : {true, false}) {
    std::atomic<bool> over = false;
    ExecutorCase c;
    c.rules.limits.give_up_after = 10ms;
    c.rules.approvals.mode = ApprovalMode::Ask;
    c.rules.approvals.time_limit = 10ms;
    c.rules.approvals.asker = [&, listens](const auto&, const std::stop_token& stop) {
      while (!over && !(listens && stop.stop_requested())) std::this_thread::sleep_for(1ms);
      return ApprovalAnswer{ApprovalAnswer::Kind::Once};
    };
    c.add("a", "{}", kEchoBack);
    const auto ends = c.run();
    over = true;
    EXPECT_FALSE(ends[0].was_run);
    EXPECT_EQ(ends[0].result.text, "not run: the call was denied: nobody answered within 10 ms");
  }
}

TEST(CallApproval, AnAskerThatThrowsDenies) {
  ExecutorCase c;
  c.rules.approvals.mode = ApprovalMode::Ask;
  c.rules.approvals.asker = [](const auto&, const auto&) -> ApprovalAnswer { throw 1; };
  c.add("a", "{}", kEchoBack);
  EXPECT_FALSE(c.run()[0].was_run);
}

}  // namespace
}  // namespace llama::internal
