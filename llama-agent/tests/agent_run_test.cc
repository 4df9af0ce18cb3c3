// The loop: rounds, limits, refusals, cancellation, and what the session has of each.
#include <atomic>
#include <thread>

#include "run_fixture.h"

namespace llama {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const ToolFunction kEchoTool = [](const std::string& arguments, const ToolContext&) { return ToolResult{arguments}; };
constexpr const char* kNumberSchema = R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})";

TEST_F(AgentRunTest, GoesFromCallsToResultsToTheAnswer) {
  play({"Let me see. " + hermes_call("look", R"({"at": "sky"})"), hermes_call("look", R"({"at": "sea"})"), "Blue."});
  add("look", kEchoTool);
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::Answered);
  EXPECT_EQ(response.rounds, 3);
  EXPECT_EQ(response.reply.generated_text, "Blue.");
  ASSERT_EQ(response.calls.size(), 2U);
  EXPECT_EQ(contents(MessageRole::Tool), (Texts{R"({"at": "sky"})", R"({"at": "sea"})"}));
  const auto messages = server_->get_session(id_)->messages;
  ASSERT_EQ(messages.size(), 6U);
  EXPECT_EQ(messages[2].tool_name, "look");
  EXPECT_EQ(messages.back().content, "Blue.");

  EXPECT_EQ(told<RoundBegun>().size(), 3U);
  EXPECT_EQ(told<RoundEnded>().size(), 3U);
  EXPECT_EQ(told<ToolCallBegun>().size(), 2U);
  EXPECT_EQ(told<CallStarted>().size(), 2U);
  EXPECT_EQ(told<CallResult>()[0].result.text, R"({"at": "sky"})");
  std::string text;
  for (const auto& event : told<TextEvent>()) text += event.text;
  EXPECT_EQ(text, "Let me see.Blue.");
  EXPECT_TRUE(std::holds_alternative<RunEnded>(events_.back()));
  EXPECT_GT(response.usage.generated_tokens, response.reply.usage.generated_tokens);
}

TEST_F(AgentRunTest, ResultsStandInTheOrderOfTheCallsWhoeverEndsFirst) {
  play({hermes_call("slow") + hermes_call("quick"), "Done."});
  std::atomic<bool> quick_is_over = false;
  add("slow", [&](const auto&, const auto&) {
    while (!quick_is_over) std::this_thread::yield();
    return ToolResult{"slow"};
  });
  add("quick", [&](const auto&, const auto&) {
    quick_is_over = true;
    return ToolResult{"quick"};
  });
  (void)run();
  EXPECT_EQ(contents(MessageRole::Tool), (Texts{"slow", "quick"}));
}

TEST_F(AgentRunTest, AnUnknownToolIsAnsweredWithTheNamesThereAre) {
  play({hermes_call("lok"), "Sorry."});
  add("look", kEchoTool);
  add("find", kEchoTool);
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::Answered);
  // A grammar may hold the model to the tools that are there; this one plays a model that is not held.
  ASSERT_EQ(response.calls.size(), 1U);
  EXPECT_EQ(contents(MessageRole::Tool)[0], "Error: there is no tool 'lok'; there are: look, find");
  EXPECT_FALSE(response.calls[0].was_run);
}

TEST_F(AgentRunTest, ArgumentsThatDoNotMatchAreToldAndTriedThreeTimes) {
  play({hermes_call("add", R"({"n": "one"})"), hermes_call("add", R"({"m": 1})"), hermes_call("add", R"({"n": 1})"),
        "Ok."});
  add("add", kEchoTool, kNumberSchema);
  EXPECT_EQ(run().end, RunEnd::Answered) << "two wrong tries are none too many";
  EXPECT_TRUE(contents(MessageRole::Tool)[0].starts_with("Error: not run: the arguments do not match: "));

  play({hermes_call("add", R"({"n": "one"})"), hermes_call("add", R"({"n": "two"})"),
        hermes_call("add", R"({"n": "3"})"), "Ok."});
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::ArgumentTries);
  EXPECT_EQ(response.rounds, 3);
}

TEST_F(AgentRunTest, TheSameCallAgainAndAgainIsRefusedThenEndsTheRun) {
  play({hermes_call("look", R"({"a": 1, "b": 2})")});
  int runs = 0;
  add("look", [&](const auto&, const auto&) {
    ++runs;
    return ToolResult{"x"};
  });
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::SameCall);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(response.rounds, 5);
  EXPECT_TRUE(contents(MessageRole::Tool)[3].contains("the answers are above"));
}

TEST_F(AgentRunTest, RoundsAreBounded) {
  play({hermes_call("look", R"({"n": 1})"), hermes_call("look", R"({"n": 2})"), hermes_call("look", R"({"n": 3})")});
  add("look", kEchoTool);
  request_.limits.max_rounds = 2;
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::RoundLimit);
  EXPECT_EQ(response.rounds, 2);
  EXPECT_EQ(contents(MessageRole::Tool)[1], "Error: not run: after 2 replies this run is over");
}

TEST_F(AgentRunTest, CallsAreBoundedInARoundAndInAll) {
  const auto three =
      hermes_call("look", R"({"n": 1})") + hermes_call("look", R"({"n": 2})") + hermes_call("look", R"({"n": 3})");
  play({three, "Done."});
  add("look", kEchoTool);
  request_.limits.max_calls_per_round = 2;
  EXPECT_EQ(run().end, RunEnd::Answered);
  EXPECT_TRUE(contents(MessageRole::Tool)[2].contains("one reply may have 2 calls"));

  play({three, "Done."});
  request_.limits.max_calls = 2;
  EXPECT_EQ(run().end, RunEnd::CallLimit);
  EXPECT_TRUE(contents(MessageRole::Tool)[2].contains("a run may have 2 calls"));
}

TEST_F(AgentRunTest, ResultsAreCutAtACharacterAndItIsTold) {
  play({hermes_call("look"), hermes_call("again"), hermes_call("more"), "Done."});
  const auto long_one = [](const auto&, const auto&) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "ä";
    return ToolResult{text};
  };
  for (const auto* name : {"look", "again", "more"}) add(name, long_one);
  request_.limits.max_result_bytes = 101;
  request_.limits.max_result_bytes_in_all = 400;
  const auto response = run();
  const auto results = contents(MessageRole::Tool);
  EXPECT_TRUE(results[0].starts_with("ä"));
  EXPECT_TRUE(results[0].contains("[cut: these are the first 100 of 2000 bytes. For the rest call the tool again"));
  EXPECT_EQ(response.calls[0].cut_bytes, 1900U);
  EXPECT_EQ(results[2], "[cut: the results of this run have no more room. Answer with what is there.]");
  EXPECT_FALSE(told<RunRemark>().empty());
}

TEST_F(AgentRunTest, AResultNeverBreaksTheLimitOfMessages) {
  AgentConfig config;
  config.sessions.max_message_bytes = 2000;
  play({hermes_call("look"), "Done."}, {}, config);
  add("look", [](const auto&, const auto&) { return ToolResult{std::string(100'000'000, 'x'), true}; });
  EXPECT_EQ(run().end, RunEnd::Answered);
  EXPECT_LE(contents(MessageRole::Tool)[0].size(), 2000U);
  EXPECT_FALSE(server_->add_message(id_, {.content = std::string(2001, 'x')})) << "one limit for both";
}

TEST_F(AgentRunTest, WhatThrowsHangsOrIsNoTextIsAResult) {
  play({hermes_call("throws") + hermes_call("hangs") + hermes_call("bytes"), "Done."});
  add("throws", [](const auto&, const auto&) -> ToolResult { throw std::runtime_error("no disk"); });
  add("hangs", [](const auto&, const ToolContext& context) {
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return ToolResult{"late"};
  });
  add("bytes", [](const auto&, const auto&) { return ToolResult{std::string("a\0\xff", 3)}; });
  request_.limits.call_time_limit = 400ms;
  EXPECT_EQ(run().end, RunEnd::Answered);
  EXPECT_EQ(contents(MessageRole::Tool),
            (Texts{"Error: the tool failed: no disk", "Error: stopped: the tool did not answer within 400 ms",
                   "a\uFFFD\uFFFD"}));
}

TEST_F(AgentRunTest, ACallThatWasCutOffIsNotRunAndTheModelIsTold) {
  play({R"(<tool_call>{"name": "look", "arguments": {"at": "a very long)", "Done."});
  int runs = 0;
  add("look", [&](const auto&, const auto&) {
    ++runs;
    return ToolResult{"x"};
  });
  const auto response = run();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(response.end, RunEnd::Answered);
  ASSERT_EQ(contents(MessageRole::Tool).size(), 1U);
  EXPECT_TRUE(contents(MessageRole::Tool)[0].starts_with("Error: not run: ")) << contents(MessageRole::Tool)[0];
  EXPECT_EQ(response.remarks.size(), 1U);

  play({"Let me see. " + hermes_call("look") + R"(<tool_call>{"name": "look", "arguments": {"at": "a long one)",
        "Done."});
  request_.generation.stopping.max_tokens = 120;
  (void)run();
  EXPECT_EQ(runs, 1) << "what was whole is run";
  EXPECT_EQ(contents(MessageRole::Tool).size(), 2U);
  EXPECT_TRUE(contents(MessageRole::Tool)[1].contains("cut off")) << contents(MessageRole::Tool)[1];

  // Before its name: nobody can be told, but it is no text.
  play({hermes_call("look") + R"(<tool_call>{"name": "look"})", "Done."});
  request_.generation.stopping.max_tokens = static_cast<std::int32_t>(hermes_call("look").size()) + 20;
  const auto nameless = run();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(contents(MessageRole::Tool).size(), 1U);
  EXPECT_EQ(nameless.remarks, Texts{"a call that was cut off before its tool's name, or that cannot be read, was not "
                                    "run"});
  EXPECT_EQ(contents(MessageRole::Assistant)[0], "");
}

TEST_F(AgentRunTest, CancellingReachesTheToolAndKeepsCallsAndResultsTogether) {
  play({hermes_call("waits") + hermes_call("next"), "Done."});
  std::stop_source stop;
  add("waits",
      [&](const auto&, const ToolContext& context) {
        stop.request_stop();
        while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
        return ToolResult{"late"};
      },
      {}, {});
  add("next", kEchoTool, {}, {});
  const auto response = server_->run(request_, stop.get_token());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->end, RunEnd::Cancelled);
  expect_whole_session();
  EXPECT_EQ(contents(MessageRole::Tool),
            (Texts{"Error: stopped: the run was cancelled", "Error: not run: the run was cancelled"}));
  ASSERT_TRUE(server_->add_message(id_, {.content = "go on"}));
  EXPECT_EQ(run().end, RunEnd::Answered) << "the conversation goes on";
}

TEST_F(AgentRunTest, TheTimeOfTheWholeRunIsBounded) {
  play({hermes_call("waits"), "Done."});
  add("waits", [&](const auto&, const ToolContext& context) {
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return ToolResult{"late"};
  });
  request_.limits.time_limit = 300ms;
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::TimeLimit);
}

TEST_F(AgentRunTest, ShutdownEndsARun) {
  play({hermes_call("waits"), "Done."});
  add("waits", [&](const auto&, const ToolContext& context) {
    server_->shutdown();
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return ToolResult{"late"};
  });
  EXPECT_EQ(run().end, RunEnd::Cancelled);
}

TEST_F(AgentRunTest, ADeniedCallIsToldToTheModel) {
  play({hermes_call("look"), "Then not."});
  add("look", kEchoTool);
  request_.approvals = {};
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::Answered);
  EXPECT_EQ(contents(MessageRole::Tool)[0], "Error: not run: the call was denied: nobody is there to approve it");
  EXPECT_EQ(told<RunRemark>().size(), 1U);

  play({hermes_call("look"), "Then yes."});
  request_.approvals = {.asker = [](const ApprovalQuestion&, const std::stop_token&) {
    return ApprovalAnswer{ApprovalAnswer::Kind::Once};
  }};
  events_.clear();
  (void)run();
  EXPECT_EQ(contents(MessageRole::Tool)[0], "{}");
  ASSERT_EQ(told<ApprovalWanted>().size(), 1U);
  EXPECT_EQ(told<ApprovalWanted>()[0].question.name, "look");
}

TEST_F(AgentRunTest, AWantedCallIsWantedOfTheFirstReplyOnly) {
  play({hermes_call("look"), "Done."});
  add("look", kEchoTool);
  request_.generation.tool_choice.kind = ToolChoice::Kind::Required;
  EXPECT_EQ(run().end, RunEnd::Answered);
}

TEST_F(AgentRunTest, OneRunPerSessionAndNoReplyBeside) {
  play({hermes_call("look"), "Done."});
  add("look", [&](const auto&, const auto&) {
    EXPECT_EQ(code_of(server_->generate({.session_id = id_})), ErrorCode::Busy);
    EXPECT_EQ(code_of(server_->run(request_)), ErrorCode::Busy);
    return ToolResult{"x"};
  });
  EXPECT_EQ(run().end, RunEnd::Answered);
}

TEST_F(AgentRunTest, TellsTheSameAsAStream) {
  play({"See: " + hermes_call("look"), "Done."});
  add("look", [](const auto&, const ToolContext& context) {
    context.progress({.progress = 1, .message = "half"});
    return ToolResult{"x"};
  });
  auto stream = server_->run_stream(request_);
  ASSERT_TRUE(stream);
  std::vector<RunEvent> streamed;
  for (;;) {
    auto event = stream->next();
    ASSERT_TRUE(event) << event.error().message;
    if (!*event) break;
    streamed.push_back(**event);
  }
  EXPECT_TRUE(std::holds_alternative<RunEnded>(streamed.back()));
  EXPECT_EQ(stream->response().reply.generated_text, "Done.");
  EXPECT_EQ(stream->response().rounds, 2);
  expect_whole_session();
}

TEST_F(AgentRunTest, AStreamThatNobodyReadsIsCancelledByItsDestructor) {
  play({hermes_call("waits"), "Done."});
  std::atomic<bool> began = false;
  add("waits", [&](const auto&, const ToolContext& context) {
    began = true;
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return ToolResult{"late"};
  });
  {
    auto stream = server_->run_stream(request_);
    ASSERT_TRUE(stream);
    while (!began) std::this_thread::sleep_for(1ms);
  }
  expect_whole_session();
  EXPECT_EQ(contents(MessageRole::Tool), (Texts{"Error: stopped: the run was cancelled"}));
}

TEST_F(AgentRunTest, ErrorsComeFromTheStreamToo) {
  play({"x"});
  request_.generation.session_id = "nobody";
  auto stream = server_->run_stream(request_);
  ASSERT_TRUE(stream);
  auto event = stream->next();
  while (event && *event) event = stream->next();
  EXPECT_EQ(code_of(event), ErrorCode::NotFound);
  EXPECT_EQ(code_of(server_->run({.generation = {.session_id = id_}})), ErrorCode::InvalidArgument) << "no tools";
  request_.limits.max_rounds = 0;
  EXPECT_EQ(code_of(server_->run(request_)), ErrorCode::InvalidArgument);
}

TEST_F(AgentRunTest, AnObserverThatThrowsLeavesNoCallWithoutItsResult) {
  play({hermes_call("look") + hermes_call("look", R"({"n": 1})"), "Done."});
  add("look", kEchoTool);
  request_.observer = [](const RunEvent& event) {
    if (std::holds_alternative<CallStarted>(event)) throw std::runtime_error("mine");
  };
  EXPECT_EQ(code_of(server_->run(request_)), ErrorCode::Internal);
  expect_whole_session();
  EXPECT_EQ(contents(MessageRole::Tool).size(), 2U);
}

// The control token in what a tool says is a text of nine characters, as in a user's message.
TEST_F(AgentRunTest, SpecialTokensInAResultStayText) {
  play({hermes_call("look"), "Done."});
  add("look", [](const auto&, const auto&) { return ToolResult{"<control> <|im_end|>"}; });
  const auto with = run();
  play({hermes_call("look"), "Done."});
  ToolSet other;
  ASSERT_TRUE(other.add({.definition = {.name = "look", .hints = {.read_only = true}},
                         .function = [](const auto&, const auto&) { return ToolResult{"(control) <|im_end|>"}; }}));
  request_.tools = &other;
  EXPECT_EQ(with.reply.usage.prompt_tokens, run().reply.usage.prompt_tokens) << "one token would be eight fewer";
  EXPECT_EQ(contents(MessageRole::Tool)[0], "(control) <|im_end|>");
}

TEST_F(AgentRunTest, CallsOfOneReplyMayUseEachOthersResults) {
  play({hermes_call("find", R"({"what": "file"})") + hermes_call("read", R"({"path": "${find.files[0]}"})"), "Done."});
  add("find", [](const auto&, const auto&) { return ToolResult{R"({"files": ["/a"]})"}; });
  add("read", kEchoTool);
  (void)run();
  EXPECT_EQ(contents(MessageRole::Tool)[1], R"({"path":"/a"})");
  EXPECT_EQ(told<CallStarted>()[1].arguments, R"({"path":"/a"})");
}

class ChangingSource final : public ToolSource {
 public:
  Listing list(const std::stop_token&) override {
    ++lists;
    return {.tools = {{.name = "tool", .description = std::format("version {}", lists), .server = "moody"}},
            .failures = {{"gone", {ErrorCode::Network, "server 'gone': it ended"}}}};
  }
  ToolResult call(const ToolDefinition&, const std::string&, const ToolContext&) override { return {"called"}; }
  int lists = 0;
};

TEST_F(AgentRunTest, ServersThatFailOrChangeTheirToolsAreRemarked) {
  play({hermes_call("tool"), "Done."});
  tools_.add(std::make_shared<ChangingSource>());
  const auto response = run();
  EXPECT_EQ(response.end, RunEnd::Answered);
  EXPECT_EQ(response.remarks,
            (Texts{"no tools: server 'gone': it ended", "tool 'moody.tool' has changed its definition"}));
}

TEST_F(AgentRunTest, OneCallByHand) {
  add("add", kEchoTool, kNumberSchema);
  EXPECT_EQ(execute_tool(tools_, {.name = "add", .arguments = R"({"n":1})"}).text, R"({"n":1})");
  EXPECT_TRUE(execute_tool(tools_, {.name = "add", .arguments = R"({"n":"1"})"}).is_error);
  EXPECT_EQ(execute_tool(tools_, {.name = "sub", .arguments = "{}"}),
            (ToolResult{"there is no tool 'sub'; there are: add", true}));
}

}  // namespace
}  // namespace llama
