// Which calls wait for which, and what stands in for a reference.
#include "../src/tools/call_dependencies.h"

#include <gtest/gtest.h>
#include <algorithm>

#include <random>
#include <set>

#include "../src/tools/call_references.h"
#include "../src/tools/call_resources.h"
#include "../src/tools/tool_text.h"

namespace llama::internal {
namespace {

using Waves = std::vector<std::vector<std::size_t>>;

CallToPlan call(std::string name, std::string arguments, ToolHints hints = {}, std::string server = "s") {
  return {.id = "",
          .name = name,
          .full_name = server + "." + name,
          .definition = {.name = name, .hints = hints, .server = server},
          .arguments = std::move(arguments)};
}
constexpr ToolHints kReads{.read_only = true};
constexpr ToolHints kDestroys{.destructive = true};

struct PlanRow {
  std::string name;
  std::vector<CallToPlan> calls;
  Waves waves;
  ParallelConfig config{};
};

TEST(CallDependencies, ArePlannedAsThisTableSays) {
  const std::vector<PlanRow> rows = {
      {"reads do not conflict",
       {call("a", R"({"path":"/x"})", kReads), call("b", R"({"path":"/x"})", kReads)},
       {{0, 1}}},
      {"unknown tools keep their order", {call("a", "{}"), call("b", "{}")}, {{0}, {1}}},
      {"other servers do not matter", {call("a", "{}"), call("b", "{}", {}, "t")}, {{0, 1}}},
      {"a write is a barrier for its file",
       {call("r", R"({"path":"/x"})", kReads), call("w", R"({"path":"/x"})"), call("q", R"({"path":"/x"})", kReads)},
       {{0}, {1}, {2}}},
      {"different files do not conflict",
       {call("w", R"({"path":"/x/a"})"), call("w2", R"({"path":"/x/b"})")},
       {{0, 1}}},
      {"a folder holds its files", {call("w", R"({"path":"/x"})"), call("w2", R"({"path":"/x/b"})")}, {{0}, {1}}},
      {"a name that begins alike is another",
       {call("w", R"({"path":"/x"})"), call("w2", R"({"path":"/xy"})")},
       {{0, 1}}},
      {"one path written in two ways",
       {call("w", R"({"path":"/x/./a"})"), call("w2", R"({"file":"file:///x//a/"})")},
       {{0}, {1}}},
      {"a relative path may be any", {call("w", R"({"path":"a"})"), call("w2", R"({"path":"/x/a"})")}, {{0}, {1}}},
      {"an unknown write waits for a read of a file",
       {call("r", R"({"path":"/x"})", kReads), call("w", "{}")},
       {{0}, {1}}},
      {"'report' is no port and no path",
       {call("w", R"({"report":"/x"})"), call("w2", R"({"path":"/y"})")},
       {{0}, {1}}},
      {"destructive calls are alone on their server",
       {call("r", R"({"path":"/x"})", kReads), call("d", R"({"path":"/y"})", kDestroys), call("o", "{}", {}, "t")},
       {{0, 2}, {1}}},
      {"a reference waits", {call("a", "{}", kReads), call("b", R"({"q":["${a.x[0]}"]})", kReads)}, {{0}, {1}}},
      {"a reference to a later call turns the order", {call("a", R"({"q":"${b}"})"), call("b", "{}")}, {{1}, {0}}},
      {"by number", {call("a", "{}", kReads), call("a", R"({"q":"${1}"})", kReads)}, {{0}, {1}}},
      {"what names no call is text",
       {call("a", R"({"q":"${HOME} $${b}"})", kReads), call("b", "{}", kReads)},
       {{0, 1}}},
      {"an escaped letter hides nothing",
       {call("a", "{}", kReads), call("b", R"({"q":"\u0024{a}"})", kReads)},
       {{0}, {1}}},
      {"references can be turned off",
       {call("a", "{}", kReads), call("b", R"({"q":"${a}"})", kReads)},
       {{0, 1}},
       {.references = false}},
      {"configured conflicts",
       {call("a", "{}", kReads), call("b", "{}", kReads)},
       {{0}, {1}},
       {.conflicts = {{.first = "s.b", .second = "*.a"}}}},
      {"never parallel, itself included",
       {call("a", "{}", kReads), call("a", "{}", kReads)},
       {{0}, {1}},
       {.never_parallel = {{.first = "s.a", .second = "s.a"}}}},
      {"configured resources go across servers",
       {call("a", "{}"), call("b", "{}", {}, "t")},
       {{0}, {1}},
       {.resources = {{"s.a", "db", ToolAccess::Write}, {"t.*", "db", ToolAccess::Read}}}},
      {"configured reads are reads",
       {call("a", "{}"), call("b", "{}")},
       {{0, 1}},
       {.resources = {{"*", "db", ToolAccess::Read}}}},
      {"a configured write and an unknown one",
       {call("a", "{}"), call("b", "{}")},
       {{0}, {1}},
       {.resources = {{"s.a", "db", ToolAccess::Write}}}},
  };
  for (const auto& row : rows) EXPECT_EQ(plan_calls(row.calls, row.config).waves(), row.waves) << row.name;
}

TEST(CallDependencies, ACircleIsReportedAndItsCallsWaitForNobody) {
  const std::vector<CallToPlan> calls = {call("a", R"({"q":"${b}"})"), call("b", R"({"q":"${a}"})"),
                                         call("c", R"({"q":"${a}"})"), call("d", R"({"q":"${d}"})"), call("e", "{}")};
  const auto plan = plan_calls(calls, {});
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    EXPECT_TRUE(plan.problems[i].contains("circle")) << i;
    EXPECT_TRUE(plan.waits[i].empty()) << i;
  }
  EXPECT_EQ(plan.problems[4], "");
  EXPECT_EQ(plan.waves(), (Waves{{4}}));
}

TEST(CallDependencies, EachWaitHasAReason) {
  const std::vector<CallToPlan> calls = {call("w", R"({"path":"/x"})"), call("r", R"({"path":"/x"})", kReads)};
  const auto plan = plan_calls(calls, {});
  ASSERT_EQ(plan.waits[1].size(), 1U);
  EXPECT_EQ(plan.waits[1][0].reason, "both use '/x' and one of them may write");
}

TEST(CallDependencies, ArePlannedWithoutCirclesWhateverTheCalls) {
  std::mt19937 random(1);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 500; ++round) {
    std::vector<CallToPlan> calls;
    const unsigned count = 1 + below(8);
    for (unsigned i = 0; i < count; ++i) {
      std::string arguments = "{}";
      if (below(3) == 0) arguments = R"({"q":"${)" + std::to_string(1 + below(count)) + R"(}"})";
      if (below(3) == 0) arguments = R"({"path":"/)" + std::string(1, static_cast<char>('a' + below(2))) + R"("})";
      const ToolHints hints{.read_only = below(2) == 0, .destructive = below(5) == 0};
      calls.push_back(call("t" + std::to_string(below(3)), arguments, hints, below(2) == 0 ? "s" : "t"));
    }
    const auto plan = plan_calls(calls, {});
    std::size_t planned = 0;
    std::set<std::size_t> done;
    for (const auto& wave : plan.waves()) {
      for (const std::size_t i : wave) {
        for (const auto& wait : plan.waits[i]) EXPECT_TRUE(done.contains(wait.call));
      }
      done.insert(wave.begin(), wave.end());
      planned += wave.size();
    }
    const auto problems = std::ranges::count_if(plan.problems, [](const auto& p) { return !p.empty(); });
    EXPECT_EQ(planned + static_cast<std::size_t>(problems), calls.size()) << "round " << round;
  }
}

struct ReplaceRow {
  std::string arguments, typed, text;  // typed "!": an error
};

TEST(CallReferences, AreReplacedAsThisTableSays) {
  const std::vector<CallToPlan> calls = {call("a", "{}"), call("b.c", "{}"), call("d", "{}")};
  const std::vector<std::string> results = {R"({"n":7,"l":[{"x":"y"}],"s":"5"})", "plain \"text\"", "12"};
  const auto named = [&](std::string_view name) { return call_named(calls, name); };
  const auto result = [&](std::size_t i) { return results[i]; };
  const std::vector<ReplaceRow> rows = {
      {R"({"q":"${a.n}"})", R"({"q":7})", R"({"q":"7"})"},
      {R"({"q":"${a.s}"})", R"({"q":"5"})", R"({"q":"5"})"},
      {R"({"q":"${a.l[0].x}!"})", R"({"q":"y!"})", R"({"q":"y!"})"},
      {R"({"q":"${a.l}"})", R"({"q":[{"x":"y"}]})", R"({"q":"[{\"x\":\"y\"}]"})"},
      {R"({"q":"${d}"})", R"({"q":12})", R"({"q":"12"})"},
      {R"({"q":"${b.c}"})", R"({"q":"plain \"text\""})", R"({"q":"plain \"text\""})"},
      {R"({"q":"<${2}|${d}>"})", R"({"q":"<plain \"text\"|12>"})", R"({"q":"<plain \"text\"|12>"})"},
      {R"({"q":[{"deep":"${d}"}]})", R"({"q":[{"deep":12}]})", R"({"q":[{"deep":"12"}]})"},
      {R"({"q":"$${d} ${HOME} ${"})", R"({"q":"${d} ${HOME} ${"})", R"({"q":"${d} ${HOME} ${"})"},
      {R"({"q":"${a.no}"})", "!", ""},
      {R"({"q":"${a.l[1]}"})", "!", ""},
      {R"({"q":"${a.l[x]}"})", "!", ""},
      {R"({"q":"${b.c.x}"})", "!", ""},
  };
  for (const auto& row : rows) {
    const auto replaced = replace_references(row.arguments, named, result, 1000);
    EXPECT_EQ(replaced.has_value(), row.typed != "!") << row.arguments;
    if (!replaced) continue;
    EXPECT_EQ(replaced->typed, row.typed);
    EXPECT_EQ(replaced->as_text, row.text);
  }
  EXPECT_FALSE(replace_references(R"({"q":"${a}${a}${a}"})", named, result, 60)) << "too long";
}

TEST(CallReferences, WhatWasPutInIsNotReadAgain) {
  const std::vector<CallToPlan> calls = {call("a", "{}"), call("b", "{}")};
  const auto named = [&](std::string_view name) { return call_named(calls, name); };
  const auto replaced = replace_references(R"({"q":"x ${a}"})", named, [](std::size_t) { return "${b}"; }, 1000);
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->typed, R"({"q":"x ${b}"})");
}

TEST(ToolText, PatternsAndCuts) {
  EXPECT_TRUE(fits_pattern("files.*", "files.read"));
  EXPECT_TRUE(fits_pattern("*", ""));
  EXPECT_TRUE(fits_pattern("*re?d*", "files.read_all"));
  EXPECT_FALSE(fits_pattern("files.*", "file.read"));
  EXPECT_FALSE(fits_pattern("files", "files.read"));
  const auto cut = cut_result("aä", 2);
  EXPECT_TRUE(cut.text.starts_with("a\n[cut: these are the first 1 of 3 bytes.")) << cut.text;
  EXPECT_EQ(cut.cut_bytes, 2U);
  EXPECT_LT(cut_result(std::string(1'000'000, 'x'), 10).text.size(), 10 + kCutNoteBytes);
  EXPECT_EQ(cut_result("aä", 3).text, "aä");
  EXPECT_EQ(clean_text(std::string("a\0\xff", 3)), "a\uFFFD\uFFFD");
}

}  // namespace
}  // namespace llama::internal
