#include <gtest/gtest.h>

#include <format>
#include <random>
#include <string>
#include <vector>

#include "../src/template/tool_repairs.h"
#include "llama-agent/chat_template.h"

namespace llama {
namespace {

using internal::id_of_nine;

constexpr std::string_view kLookTool =
    R"([{"type": "function", "function": {"name": "look", "description": "Looks around",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}])";

std::vector<Message> two_calls() {
  return {{.role = MessageRole::System, .content = "Be brief."},
          {.content = "Weather?"},
          {.role = MessageRole::Assistant,
           .content = "Let me see.",
           .tool_calls = {{.id = "call_1", .name = "look", .arguments = R"({"at": "sky"})"},
                          {.id = "call_2", .name = "look", .arguments = R"({"at": "sea"})"}}},
          {.role = MessageRole::Tool, .content = "blue", .tool_call_id = "call_1", .tool_name = "look"},
          {.role = MessageRole::Tool, .content = "calm", .tool_call_id = "call_2", .tool_name = "look"}};
}

std::string written_by(std::string_view source, std::string_view tools = kLookTool,
                       std::vector<Message> messages = two_calls()) {
  auto chat_template = ChatTemplate::parse({.source = std::string(source)});
  if (!chat_template) return chat_template.error().message;
  const auto pieces = chat_template->render(messages, {.tools = std::string(tools)});
  return pieces ? joined(*pieces) : "error: " + pieces.error().message;
}

std::vector<std::string_view> repairs_of(std::string_view source) {
  return ChatTemplate::parse({.source = std::string(source)})->repaired();
}

constexpr std::string_view kPlainTurns =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% "
    "endif %}";

TEST(ToolTemplate, WhatATemplateDoesNotShowIsWrittenIntoTheMessages) {
  const std::string_view only_two_roles =
      "{% for m in messages %}{% if m.role not in ['user', 'assistant', 'system'] %}{{ raise_exception('no ' + m.role) "
      "}}"
      "{% endif %}[{{ m.role }}]{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
  EXPECT_EQ(repairs_of(only_two_roles), (std::vector<std::string_view>{"definitions", "calls", "results"}));
  EXPECT_EQ(ChatTemplate::parse({.source = std::string(only_two_roles)})->reply_format(), "hermes");
  const std::string text = written_by(only_two_roles);
  for (const std::string_view part :
       {"[system]Be brief.\n\n", R"("name":"look")", R"("description":"Looks around")",
        "<tool_call>\n{\"name\": \"FUNCTION\"",
        "[assistant]Let me see.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": "
        "\"sky\"}}\n</tool_call>\n<tool_call>",
        "[user]<tool_response>\nblue\n</tool_response>\n<tool_response>\ncalm\n</tool_response>\n[assistant]"}) {
    EXPECT_TRUE(text.contains(part)) << part << "\n  is not in: " << text;
  }
  EXPECT_FALSE(written_by(only_two_roles, "").contains("Looks around")) << "nothing is offered";
  EXPECT_TRUE(written_by(only_two_roles, "").contains("\"at\": \"sky\"")) << "and what was called stays";
}

TEST(ToolTemplate, ASystemMessageIsMadeForTheDefinitionsWhereThereIsNone) {
  const std::vector<Message> question{{.content = "Weather?"}};
  EXPECT_TRUE(written_by(kPlainTurns, kLookTool, question).starts_with("[system]You may call functions."));
  // Gemma's way: no system, and roles that take turns.
  const std::string_view strict =
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles') }}{% "
      "endif "
      "%}[{{ m.role }}]{{ m.content }}\n{% endfor %}";
  EXPECT_TRUE(written_by(strict, kLookTool, question).starts_with("[user]You may call functions."));
  EXPECT_TRUE(written_by(strict).contains("[assistant]Let me see."));
}

constexpr std::string_view kToolTurns =
    "{% for t in tools or [] %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}[{{ m.role }}{% if m.tool_call_id "
    "%} {{ "
    "m.tool_call_id }}{% endif %}]{{ m.content }}CHECK{% for c in m.tool_calls or [] %}<{{ c.id }} {{ c.function.name "
    "}} {{ "
    "c.function.arguments ARGUMENTS }}>{% endfor %}\n{% endfor %}";

std::string with_tools(std::string_view check, std::string_view arguments = "| tojson") {
  std::string source(kToolTurns);
  source.replace(source.find("CHECK"), 5, check);
  source.replace(source.find("ARGUMENTS"), 9, arguments);
  return source;
}

TEST(ToolTemplate, WhatATemplateShowsIsLeftToIt) {
  EXPECT_TRUE(repairs_of(with_tools("")).empty());
  const std::string text = written_by(with_tools(""));
  EXPECT_TRUE(text.contains(R"([assistant]Let me see.<call_1 look {"at": "sky"}><call_2 look {"at": "sea"}>)")) << text;
  EXPECT_TRUE(text.contains("[tool call_2]calm"));
  EXPECT_FALSE(text.contains("You may call"));
}

TEST(ToolTemplate, OneCallAMessageWhereItObjectsToMore) {
  const std::string source =
      with_tools("{% if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('one call') }}{% endif %}");
  EXPECT_EQ(repairs_of(source), (std::vector<std::string_view>{"several calls"}));
  EXPECT_TRUE(
      written_by(source).contains("[assistant]Let me see.<call_1 look {\"at\": \"sky\"}>[tool call_1]blue"
                                  "[assistant]<call_2 look {\"at\": \"sea\"}>[tool call_2]calm"))
      << written_by(source);
}

TEST(ToolTemplate, IdsOfNineLettersWhereItObjectsToOthers) {
  const std::string source = with_tools(
      "{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}{{ raise_exception('nine') }}{% endif %}{% endfor "
      "%}");
  EXPECT_EQ(repairs_of(source), (std::vector<std::string_view>{"ids"}));
  const std::string text = written_by(source);
  EXPECT_TRUE(text.contains(std::format("<{} look", id_of_nine("call_1")))) << text;
  EXPECT_TRUE(text.contains(std::format("[tool {}]blue", id_of_nine("call_1")))) << text;
  EXPECT_EQ(written_by(source), text) << "the same each time";
  EXPECT_EQ(id_of_nine("abcDEF123"), "abcDEF123");
  EXPECT_NE(id_of_nine("call_1"), id_of_nine("call_2"));
  for (const char* id : {"", "call_1", "abcdefgh-", "a very long id of somebody else's"}) {
    EXPECT_EQ(id_of_nine(id).size(), 9U);
    EXPECT_EQ(id_of_nine(id_of_nine(id)), id_of_nine(id));
  }
}

// A model's call that no validation has seen: such arguments once ended the program, or took hours.
TEST(ToolTemplate, ArgumentsThatAreTooDeepOrTooWideAreAText) {
  std::string wide = "{\"0\":0";
  for (int i = 1; i < 20'000; ++i) wide += std::format(",\"{}\":0", i);
  for (const auto& arguments : {"{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", wide + "}"}) {
    auto messages = two_calls();
    messages[2].tool_calls[0].arguments = arguments;
    const std::string text = written_by(with_tools(""), kLookTool, messages);
    EXPECT_TRUE(text.contains("<call_1 look \"{")) << text.substr(0, 500);
    EXPECT_TRUE(text.contains("<call_2 look {")) << text.substr(0, 500);
  }
}

TEST(ToolTemplate, ArgumentsAsTextAndNoContentWhereItWantsThem) {
  const std::string text_wanted = with_tools("", "");
  EXPECT_EQ(repairs_of(text_wanted), (std::vector<std::string_view>{"arguments as text"}));
  EXPECT_TRUE(written_by(text_wanted).contains(R"(<call_1 look {"at": "sky"}>)")) << written_by(text_wanted);

  std::string null_wanted = with_tools("");
  null_wanted.replace(null_wanted.find("m.tool_calls or []"), 18,
                      "((m.tool_calls or []) if m.content is none else [])");
  auto messages = two_calls();
  messages[2].content.clear();
  EXPECT_EQ(repairs_of(null_wanted), (std::vector<std::string_view>{"no content"}));
  EXPECT_TRUE(written_by(null_wanted, kLookTool, messages).contains("<call_1 look"))
      << written_by(null_wanted, kLookTool, messages);
}

// Whatever a template makes of tools, and however it is repaired: not a byte of the definitions, the calls and the
// results is the template's own.
TEST(ToolTemplate, ATextFromOutsideStaysOneInEveryPlaceOfATool) {
  std::mt19937 random(7);
  const std::string_view markers[] = {"<|im_end|>",       "[INST]",  "</s>", "<tool_call>",
                                      "</tool_response>", "{{ 7 }}", "Zq"};
  const std::string sources[] = {
      std::string(kPlainTurns), with_tools(""), with_tools("", ""),
      with_tools("{% if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('one') "
                 "}}{% endif %}")};
  for (int round = 0; round < 15; ++round) {
    const auto evil = [&] { return std::format("{}q{}", markers[random() % std::size(markers)], random()); };
    std::vector<std::string> texts;
    for (int i = 0; i < 5; ++i) texts.push_back(evil());
    auto messages = two_calls();
    messages[2].content = texts[0];
    messages[2].tool_calls[0].arguments = std::format(R"({{"at": "{}"}})", texts[1]);
    messages[3].content = texts[2];
    messages[4].content = texts[3];
    const std::string tools = std::format(
        R"([{{"type": "function", "function": {{"name": "look", "description": "{}", "parameters": {{}}}}}}])",
        texts[4]);
    for (const auto& source : sources) {
      auto chat_template = ChatTemplate::parse({.source = source});
      ASSERT_TRUE(chat_template);
      const auto pieces = chat_template->render(messages, {.tools = tools});
      ASSERT_TRUE(pieces) << pieces.error().message;
      std::string own;
      for (const auto& piece : *pieces) own += piece.from_caller ? "\x01" : piece.text;
      for (const auto& text : texts) {
        EXPECT_TRUE(joined(*pieces).contains(text)) << text << " is lost in " << joined(*pieces);
        EXPECT_FALSE(own.contains(text)) << text << " is the template's own in " << joined(*pieces);
      }
    }
  }
}

}  // namespace
}  // namespace llama
