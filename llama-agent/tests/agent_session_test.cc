// What a session has of its replies.
#include "agent_fixture.h"

namespace llama {
namespace {

using namespace std::chrono_literals;

class AgentSession : public AgentServerTest {};

TEST_F(AgentSession, GoesOnWithAnAssistantsMessageAndMakesItLonger) {
  start({.reply = [](std::string_view) { return std::string("one, two, three, four"); }});
  const auto id = session_with("count");
  const auto first = server_->generate({.session_id = id, .stopping = {.max_tokens = 10}});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->generated_text, "one, two, ");
  const auto second = server_->generate({.session_id = id});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->generated_text, "three, four");
  EXPECT_EQ(second->not_kept, "");
  const auto session = server_->get_session(id);
  ASSERT_EQ(session->messages.size(), 2U);
  EXPECT_EQ(session->messages[1].content, "one, two, three, four");
  EXPECT_GE(second->usage.reused_tokens, first->usage.prompt_tokens + 9) << "nothing is computed again";
}

TEST_F(AgentSession, GoesOnWithAMessageOfWhichTheTemplateShowsAPart) {
  auto decoder = std::make_unique<ScriptedDecoder>(
      ScriptedDecoder::Config{.reply = [](std::string_view) { return std::string("Yes, it is."); }});
  auto chat_template = ChatTemplate::parse(
      {.source = "{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}\x02"
                 "{{ m.content.split('</think>')[-1].lstrip('\n') }}{% else %}{{ m.content }}{% endif %}\n{% endfor %}"
                 "{% if add_generation_prompt %}assistant:\x02{% endif %}"});
  ASSERT_TRUE(chat_template) << chat_template.error().message;
  server_ = std::move(*AgentServer::create(std::move(decoder), std::move(*chat_template)));
  const auto id = session_with("Is it?");
  ASSERT_TRUE(server_->add_message(id, {.role = MessageRole::Assistant, .content = "Hm. </think>\n\nYes"}));
  const auto reply = server_->generate({.session_id = id});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->generated_text, ", it is.");
  EXPECT_EQ(server_->get_session(id)->messages.back().content, "Hm. </think>\n\nYes, it is.");
}

TEST_F(AgentSession, SaysSoWhereAMessageThatGoesOnWasChangedInTheMeantime) {
  start({.time_per_token = 1ms, .reply = [](std::string_view) { return std::string(40, 'x'); }});
  const auto id = session_with("count");
  ASSERT_TRUE(server_->add_message(id, {.role = MessageRole::Assistant, .content = "xx"}));
  auto stream = server_->generate_stream({.session_id = id});
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->next());
  ASSERT_TRUE(server_->sessions().set_messages(id, {{.content = "other"}}));
  for (auto chunk = stream->next(); chunk && *chunk; chunk = stream->next()) {
  }
  EXPECT_TRUE(stream->response().not_kept.contains("changed")) << stream->response().not_kept;
  EXPECT_EQ(server_->get_session(id)->messages.size(), 1U);
}

TEST_F(AgentSession, KeepsAReplyHoweverLongAndSaysWhereItCannot) {
  const std::string speech(150'000, 's');
  start(
      {.context_tokens = 200'000, .max_sequences = 1, .reply = [](std::string_view) { return std::string(400, 's'); }},
      {.context_tokens = 200'000});
  const auto id = session_with("talk");
  ASSERT_TRUE(server_->add_message(id, {.role = MessageRole::Assistant, .content = speech}));
  const auto more = server_->generate({.session_id = id, .stopping = {.max_tokens = 3}});
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_EQ(more->not_kept, "");
  EXPECT_EQ(server_->get_session(id)->messages.back().content.size(), speech.size() + more->generated_text.size());

  start({.time_per_token = 1ms, .endless = true});
  const auto gone = session_with("hello");
  auto stream = server_->generate_stream({.session_id = gone, .stopping = {.max_tokens = 30}});
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->next());
  ASSERT_TRUE(server_->sessions().remove(gone));
  for (auto chunk = stream->next(); chunk && *chunk; chunk = stream->next()) {
  }
  EXPECT_TRUE(stream->response().not_kept.contains("no session")) << stream->response().not_kept;
}

TEST_F(AgentSession, ANulInAReplyIsKeptAsAReplacementCharacter) {
  start({.reply = [](std::string_view) { return std::string("a\0b", 3); }});
  const auto id = session_with("hello");
  const auto reply = server_->generate({.session_id = id});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->generated_text, "a\uFFFDb");
  EXPECT_EQ(reply->not_kept, "");
  EXPECT_EQ(server_->get_session(id)->messages.back().content, "a\uFFFDb");
  ASSERT_TRUE(server_->add_message(id, {.content = "more"}));
  EXPECT_TRUE(server_->generate({.session_id = id}));
}

TEST_F(AgentSession, TellsCallsOfToolsAndHoldsTheModelToThem) {
  std::vector<std::string> grammars;
  auto decoder = std::make_unique<ScriptedDecoder>(
      ScriptedDecoder::Config{.reply =
                                  [](std::string_view prompt) {
                                    return prompt.contains("sunny") ? "It is sunny."
                                                                    : "Let me see.\n<tool_call>\n{\"name\": \"look\", "
                                                                      "\"arguments\": {\"at\": \"sky\"}}\n</tool_call>";
                                  },
                              .grammars = &grammars});
  auto chat_template = ChatTemplate::parse(
      {.source =
           "{{ tools | tojson }}{% for m in messages %}{{ m['role'] }}:{{ m['content'] }}{% for c in m['tool_calls'] %}"
           "<tool_call>{{ c['function'] | tojson }}</tool_call>{% endfor %}\n{% endfor %}"
           "{% if add_generation_prompt %}assistant:\x02{% endif %}"});
  ASSERT_TRUE(chat_template);
  EXPECT_EQ(chat_template->reply_format(), "hermes");
  server_ = std::move(*AgentServer::create(std::move(decoder), std::move(*chat_template)));
  const auto id = session_with("Weather?");
  const GenerationRequest request{.session_id = id, .tools = R"([{"type": "function", "function": {"name": "look"}}])"};
  const auto called = server_->generate(request);
  ASSERT_TRUE(called) << called.error().message;
  EXPECT_EQ(called->generated_text, "Let me see.");
  ASSERT_EQ(called->tool_calls.size(), 1U);
  EXPECT_EQ(called->tool_calls[0].name, "look");
  EXPECT_EQ(called->tool_calls[0].arguments, R"({"at": "sky"})");
  EXPECT_EQ(called->tool_calls[0].id.size(), 9U);
  ASSERT_EQ(grammars.size(), 3U);
  EXPECT_EQ(grammars[0], "none");
  EXPECT_TRUE(grammars[1].contains(R"(rest-tools ::= "look")")) << grammars[1];
  EXPECT_EQ(grammars[2], "none");

  EXPECT_EQ(code_of(server_->generate(request)), ErrorCode::InvalidArgument) << "its results are missing";
  ASSERT_TRUE(server_->add_message(
      id, {.role = MessageRole::Tool, .content = "sunny", .tool_call_id = called->tool_calls[0].id}));
  const auto told = server_->generate(request);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->generated_text, "It is sunny.");
  EXPECT_EQ(server_->get_session(id)->messages[1].tool_calls.size(), 1U);

  const auto plain = server_->generate({.session_id = session_with("Weather?")});
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->generated_text.contains("<tool_call>")) << "who declares no tools gets text";

  GenerationRequest none = request;
  none.session_id = session_with("Weather?");
  none.tool_choice.kind = ToolChoice::Kind::None;
  const auto text = server_->generate(none);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->tool_calls.empty());
  EXPECT_TRUE(text->generated_text.contains("<tool_call>")) << "and so does who wants none called";
}

}  // namespace
}  // namespace llama
