// What models of each family write, and the events that it is. The texts are those of the model cards and chat
// templates, and of the outputs that llama.cpp keeps of these families (tests/test-chat.cpp), with other tools.
#pragma once

#include <string>
#include <vector>

#include "golden_replies.h"

namespace llama::internal::test {

struct Family {
  std::string format;
  std::vector<Golden> conversations;
  std::string thinking_opener = "<think>", thinking_closer = "</think>";
};

inline const std::vector<std::string> kNoCall{"text: What is it?"};
inline const std::vector<std::string> kOneCall{"call 0: look", "arguments 0: {\"at\": \"sky\"}", "end 0"};
inline const std::vector<std::string> kTwoCalls{"call 0: look",        "arguments 0: {\"at\": \"sky\"}", "end 0",
                                                "call 1: get_weather", "arguments 1: {\"n\": [1, {}]}",  "end 1"};

// A second one that the limit cuts before its name.
inline const std::vector<std::string> kCutAfterOne = [] {
  auto lines = kOneCall;
  lines.insert(lines.end(), {"call 1: ", "unfinished 1"});
  return lines;
}();

inline Golden cut(std::string reply, std::vector<std::string> lines) {
  return {"cut by the limit", std::move(reply), std::move(lines), ReplyEnd::Cut};
}
inline std::vector<std::string> with(std::string first, const std::vector<std::string>& rest) {
  std::vector<std::string> all{std::move(first)};
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

inline std::vector<Family> llama_and_mistral() {
  return {
      {"llama3",
       {{"one call", R"({"name": "look", "parameters": {"at": "sky"}})", kOneCall},
        {"with its type", R"({"type": "function", "name": "look", "parameters": {"at": "sky"}})", kOneCall},
        {"two calls",
         R"({"name": "look", "parameters": {"at": "sky"}}; {"name": "get_weather", "parameters": {"n": [1, {}]}})",
         kTwoCalls},
        {"fenced", "```json\n{\"name\": \"look\", \"parameters\": {\"at\": \"sky\"}}\n```", kOneCall},
        {"a list", R"([{"name": "look", "parameters": {"at": "sky"}}])", kOneCall},
        {"an unknown name is an answer",
         R"({"name": "fly", "parameters": {}})",
         {R"(text: {"name": "fly", "parameters": {}})"}},
        {"a fenced answer", "```json\n{\"a\": 1}\n```", {"text: ```json\n{\"a\": 1}\n```"}},
        {"text", "What is it?", kNoCall},
        cut(R"({"name": "look", "parameters": {"at": "sk)",
            {"call 0: look", R"(arguments 0: {"at": "sk)", "unfinished 0"})}},
      {"llama3",
       {{"a built-in tool",
         R"(<|python_tag|>brave_search.call(query="Menlo Park", n=2, safe=True))",
         {"call 0: brave_search", R"(arguments 0: {"query": "Menlo Park", "n": 2, "safe": true})", "end 0"}},
        {"quotes in it",
         R"(<|python_tag|>look.call(a='it\'s "so"'))",
         {"call 0: look", R"(arguments 0: {"a": "it's \"so\""})", "end 0"}},
        {"a backslash that is none of JSON's",
         R"(<|python_tag|>look.call(path="C:\users\u12", n="\u00e9"))",
         {"call 0: look", R"(arguments 0: {"path": "C:\\users\\u12", "n": "\u00e9"})", "end 0"}},
        {"half a character",
         R"(<|python_tag|>look.call(a="\ud800"))",
         {"call 0: look", R"(arguments 0: {"a": "\ud800"})", "unfinished 0"}},
        {"no closer", "<|python_tag|>look.call(a=\"b\"", {"call 0: look", R"(arguments 0: {"a": "b"})", "end 0"}},
        {"code",
         "<|python_tag|>x = \"a\"\nprint(x)\n",
         {"call 0: ipython", R"x(arguments 0: {"code": "x = \"a\"\nprint(x)"})x", "end 0"}},
        {"an object", R"(<|python_tag|>{"name": "look", "parameters": {"at": "sky"}})", kOneCall},
        {"one call", R"({"name": "look", "parameters": {"at": "sky"}})", kOneCall},
        cut("<|python_tag|>print(", {"call 0: ipython", R"(arguments 0: {"code": "print()", "unfinished 0"}),
        cut(R"(<|python_tag|>look.call(at="s)", {"call 0: look", R"(arguments 0: {"at": "s)", "unfinished 0"})}},
      {"mistral",
       {{"one call", R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "sky"}, "id": "123456789"}])", kOneCall},
        {"two calls, the id first",
         R"(What is it? [TOOL_CALLS][{"id": "abcdef123", "name": "look", "arguments": {"at": "sky"}}, )"
         R"({"name": "get_weather", "arguments": {"n": [1, {}]}},])",
         {"text: What is it?", "call 0: look as abcdef123", "arguments 0: {\"at\": \"sky\"}", "end 0",
          "call 1: get_weather", "arguments 1: {\"n\": [1, {}]}", "end 1"}},
        {"no opener", R"([{"name": "look", "arguments": {"at": "sky"}}])", kOneCall},
        {"no closing bracket", R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "sky"}})", kOneCall},
        {"no call", "[TOOL_CALLS]no", {"text: [TOOL_CALLS]no"}},
        {"text", "What is it?", kNoCall},
        cut(R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "sky"}}, )", kOneCall),
        cut(R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "sky"}}, {"na)", kCutAfterOne),
        cut(R"([TOOL_CALLS][{"name": "look", "arguments": {"at)",
            {"call 0: look", R"(arguments 0: {"at)", "unfinished 0"})}},
      {"mistral-call-id",
       {{"one call",
         R"([TOOL_CALLS]look[CALL_ID]123456789[ARGS]{"at": "sky"})",
         {"call 0: look as 123456789", "arguments 0: {\"at\": \"sky\"}", "end 0"}},
        {"without the id", R"([TOOL_CALLS]look[ARGS]{"at": "sky"})", kOneCall},
        {"an unknown name", R"([TOOL_CALLS]fly[CALL_ID]1[ARGS]{})", {"call 0: fly as 1", "arguments 0: {}", "end 0"}},
        cut("[TOOL_CALLS]lo", {"call 0: ", "unfinished 0"})}},
      {"mistral-args",
       {{"two calls", R"([TOOL_CALLS]look[ARGS]{"at": "sky"}[TOOL_CALLS]get_weather[ARGS]{"n": [1, {}]})", kTwoCalls},
        {"thought and text", R"([THINK]I'm thinking[/THINK]What is it?[TOOL_CALLS]look[ARGS]{"at": "sky"})",
         with("thinking: I'm thinking", with("text: What is it?", kOneCall))},
        {"no separator", R"([TOOL_CALLS]look{"at": "sky"})", kOneCall},
        {"no arguments", "[TOOL_CALLS]look[ARGS]", {"call 0: look", "arguments 0: {}", "end 0"}},
        {"arguments in a string", R"([TOOL_CALLS]look[ARGS]"{\"at\": \"sky\"}")", kOneCall},
        {"large numbers",
         R"([TOOL_CALLS]look[ARGS]{"n": 9007199254740993123})",
         {"call 0: look", "arguments 0: {\"n\": 9007199254740993123}", "end 0"}},
        cut("[TOOL_CALLS]look[ARGS]", {"call 0: look", "unfinished 0"}),
        cut(R"([TOOL_CALLS]look[ARGS]{"at": "s)", {"call 0: look", R"(arguments 0: {"at": "s)", "unfinished 0"})},
       "[THINK]",
       "[/THINK]"},
  };
}

inline std::vector<Family> functionary_and_cohere() {
  const std::string list = R"([{"tool_call_id": "0", "tool_name": "look", "parameters": {"at": "sky"}}, )"
                           R"({"tool_call_id": "1", "tool_name": "get_weather", "parameters": {"n": [1, {}]}}])";
  const std::vector<std::string> with_ids{"call 0: look as 0",        "arguments 0: {\"at\": \"sky\"}", "end 0",
                                          "call 1: get_weather as 1", "arguments 1: {\"n\": [1, {}]}",  "end 1"};
  return {
      {"functionary31",
       {{"one call", R"(<function=look>{"at": "sky"}</function>)", kOneCall},
        {"two calls", R"(<function=look>{"at": "sky"}</function><function=get_weather>{"n": [1, {}]}</function>)",
         kTwoCalls},
        {"no closer", R"(What is it? <function=look>{"at": "sky"})", with("text: What is it?", kOneCall)},
        {"no arguments", "<function=look></function>", {"call 0: look", "arguments 0: {}", "end 0"}},
        {"code", "<|python_tag|>print(1)", {"call 0: ipython", R"x(arguments 0: {"code": "print(1)"})x", "end 0"}},
        {"no name", "a <function= look", {"text: a <function= look"}},
        {"no JSON", "<function=look>now</function>", {"text: <function=look>now</function>"}},
        cut(R"(<function=look>{"at": )", {"call 0: look", R"(arguments 0: {"at": )", "unfinished 0"})}},
      {"functionary32",
       {{"text", "all\nWhat is it?", kNoCall},
        {"one call", "look\n{\"at\": \"sky\"}", kOneCall},
        {"two calls", "look\n{\"at\": \"sky\"}\n>>>get_weather\n{\"n\": [1, {}]}", kTwoCalls},
        {"text and a call", "all\nWhat is it?\n>>>look\n{\"at\": \"sky\"}", with("text: What is it?", kOneCall)},
        {"the prompt's marker again", ">>>all\nWhat is it?>>>", {"text: What is it?>>>"}},
        {"code", "python\nprint(1)", {"call 0: python", R"x(arguments 0: {"code": "print(1)"})x", "end 0"}},
        {"no recipient", "What is it?", kNoCall},
        {"no recipient, two lines", "What\nis it?", {"text: What\nis it?"}},
        cut("all\nWhat is it?\n>>>lo", {"text: What is it?", "call 0: ", "unfinished 0"}),
        cut("al", {"text: al"}),
        cut("look\n{\"at\": \"s", {"call 0: look", R"(arguments 0: {"at": "s)", "unfinished 0"})}},
      {"command-r7b",
       {{"a thought, two calls",
         "<|START_THINKING|>I'm thinking<|END_THINKING|><|START_ACTION|>" + list + "<|END_ACTION|>",
         with("thinking: I'm thinking", with_ids)},
        {"an answer",
         "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>What is it?<|END_RESPONSE|>",
         {"thinking: Hm.", "text: What is it?"}},
        {"no closer", "<|START_ACTION|>" + list, with_ids},
        {"an empty list", "<|START_ACTION|>[]<|END_ACTION|>", {}},
        cut("<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"look\", \"parameters\": {\"a",
            {"call 0: look as 0", "arguments 0: {\"a", "unfinished 0"})},
       "<|START_THINKING|>",
       "<|END_THINKING|>"},
      {"command-r",
       {{"two calls",
         "Plan: What is it?\nAction:\n```json\n[\n    {\n        \"tool_name\": \"look\",\n        \"parameters\": "
         "{\"at\": \"sky\"}\n"
         "    },\n    {\"tool_name\": \"get_weather\", \"parameters\": {\"n\": [1, {}]}}\n]\n```",
         with("text: Plan: What is it?", kTwoCalls)},
        {"one at the beginning", "Action: ```json\n[{\"tool_name\": \"look\", \"parameters\": {\"at\": \"sky\"}}]```",
         kOneCall},
        {"a word", "In Action: [] and Action", {"text: In Action: [] and Action"}},
        {"a word on a line", "Action: none", {"text: Action: none"}},
        cut("Action:", {"text: Action:"}),
        cut("Action:\n```json\n[{\"tool_na", {"call 0: ", "unfinished 0"}),
        cut("Action:\n```json\n[{\"tool_name\": \"look\", \"parameters\": {",
            {"call 0: look", "arguments 0: {", "unfinished 0"})}},
  };
}

inline std::vector<Family> deepseek_and_kimi() {
  const std::string begin = "<｜tool▁calls▁begin｜>", end = "<｜tool▁calls▁end｜>", one = "<｜tool▁call▁begin｜>";
  const std::string one_end = "<｜tool▁call▁end｜>", separator = "<｜tool▁sep｜>";
  const auto fenced = [&](const std::string& name, const std::string& json) {
    return one + "function" + separator + name + "\n```json\n" + json + "\n```" + one_end;
  };
  const auto plain = [&](const std::string& name, const std::string& json) {
    return one + name + separator + json + one_end;
  };
  const std::string sky = R"({"at": "sky"})", list = R"({"n": [1, {}]})";
  const std::vector<std::string> kimi{"call 0: look as functions.look:0",
                                      "arguments 0: {\"at\": \"sky\"}",
                                      "end 0",
                                      "call 1: get_weather as functions.get_weather:1",
                                      "arguments 1: {\"n\": [1, {}]}",
                                      "end 1"};
  return {
      {"deepseek-r1",
       {{"one call", begin + fenced("look", sky) + end, kOneCall},
        {"two calls", "What is it?\n" + begin + fenced("look", sky) + "\n" + fenced("get_weather", list) + end,
         with("text: What is it?", kTwoCalls)},
        {"a thought", "I'm thinking</think>\n\n" + begin + fenced("look", sky) + end,
         with("thinking: I'm thinking", kOneCall), ReplyEnd::Whole, true},
        {"a misspelt opener",
         "<｜tool_calls_begin｜>" + one.substr(0, 0) + "function" + separator + "look\n```json\n" + sky + "\n```" +
             one_end + end,
         kOneCall},
        {"no closer", begin + one + "function" + separator + "look\n```json\n" + sky, kOneCall},
        {"a stray closer", "What is it?" + end, kNoCall},
        cut(begin + one + "function" + separator + "look\n```json\n{\"at",
            {"call 0: look", "arguments 0: {\"at", "unfinished 0"})}},
      {"deepseek-v3.1",
       {{"one call", begin + plain("look", sky) + end, kOneCall},
        {"two calls", begin + plain("look", sky) + plain("get_weather", list) + end, kTwoCalls},
        {"a thought", "<think>I'm thinking</think>" + begin + plain("look", sky) + end,
         with("thinking: I'm thinking", kOneCall)},
        {"no arguments",
         begin + one + "look" + separator + one_end + end,
         {"call 0: look", "arguments 0: {}", "end 0"}},
        {"no closer", begin + one + "look" + separator + sky, kOneCall},
        {"an empty section", "What is it?" + begin + end, kNoCall},
        cut(begin + one + "look" + separator + "{", {"call 0: look", "arguments 0: {", "unfinished 0"})}},
      {"kimi-k2",
       {{"two calls",
         "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>" + sky +
             "<|tool_call_end|><|tool_call_begin|>functions.get_weather:1<|tool_call_argument_begin|>" + list +
             "<|tool_call_end|><|tool_calls_section_end|>",
         kimi},
        {"a thought, no section, no closer",
         "<think>I'm thinking</think>What is it?<|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>" + sky,
         {"thinking: I'm thinking", "text: What is it?", kimi[0], kimi[1], kimi[2]}},
        {"a thought without its closer",
         "I'm thinking\n<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>" +
             sky + "<|tool_call_end|>",
         {"thinking: I'm thinking", kimi[0], kimi[1], kimi[2]},
         ReplyEnd::Whole,
         true},
        cut("<|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"a",
            {kimi[0], "arguments 0: {\"a", "unfinished 0"})}},
  };
}

inline std::vector<Family> lists_between_markers() {
  const std::string list =
      R"([{"name": "look", "arguments": {"at": "sky"}}, {"name": "get_weather", "arguments": {"n": [1, {}]}}])";
  const auto family = [&](const std::string& format, const std::string& opener, const std::string& closer) {
    return Family{format,
                  {{"two calls", opener + list + closer, kTwoCalls},
                   {"a thought", "<think>I'm thinking</think>" + opener + list + closer,
                    with("thinking: I'm thinking", kTwoCalls)},
                   {"no closer", "What is it? " + opener + list, with("text: What is it?", kTwoCalls)},
                   {"an object", opener + R"({"name": "look", "arguments": {"at": "sky"},})" + closer, kOneCall},
                   {"text after", opener + list + closer + closer + "\nWell.",
                    [] {
                      auto all = kTwoCalls;
                      all.emplace_back("text: Well.");
                      return all;
                    }()},
                   {"an unknown name", opener + R"([{"name": "fly"}])", {"call 0: fly", "arguments 0: {}", "end 0"}},
                   {"no call", "a " + opener + "b", {"text: a " + opener + "b"}},
                   cut(opener + R"([{"name": "look", "arguments": {"a)",
                       {"call 0: look", R"(arguments 0: {"a)", "unfinished 0"})}};
  };
  Family phi = family("phi4", "<|tool_call|>", "<|/tool_call|>");
  phi.conversations.push_back({"functools", "functools" + list, kTwoCalls});
  phi.conversations.push_back({"the word", "functools is a module", {"text: functools is a module"}});
  Family granite = family("granite3", "<|tool_call|>", "");
  granite.conversations.push_back(
      {"a wrapped answer",
       "<think>I'm thinking</think>\n<response>What is <response>?</response> it?</response>\n",
       {"thinking: I'm thinking", "text: What is <response>?</response> it?"}});
  granite.conversations.push_back({"no wrapper", "An <response>x</response>", {"text: An <response>x</response>"}});
  return {
      family("tool-calls", "<tool_calls>", "</tool_calls>"),
      family("nemotron", "<TOOLCALL>", "</TOOLCALL>"),
      phi,
      granite,
      {"apertus",
       {{"two calls", R"(<|tools_prefix|>[{"look": {"at": "sky"}}, {"get_weather": {"n": [1, {}]}}]<|tools_suffix|>)",
         kTwoCalls},
        {"a thought",
         R"(<|inner_prefix|>I'm thinking<|inner_suffix|><|tools_prefix|>[{"look": {"at": "sky"}}]<|tools_suffix|>)",
         with("thinking: I'm thinking", kOneCall)},
        {"no closer", R"(<|tools_prefix|>[{"look": {"at": "sky"}})", kOneCall},
        {"an unknown name",
         R"(<|tools_prefix|>[{"fly": {}}]<|tools_suffix|>)",
         {"call 0: fly", "arguments 0: {}", "end 0"}},
        cut(R"(<|tools_prefix|>[{"look": {"at)", {"call 0: look", R"(arguments 0: {"at)", "unfinished 0"})},
       "<|inner_prefix|>",
       "<|inner_suffix|>"}};
}

inline std::vector<Family> harmony_and_generic() {
  const std::string thought = "<|channel|>analysis<|message|>I'm thinking<|end|><|start|>assistant";
  return {
      {"harmony",
       {{"an answer",
         thought + "<|channel|>final<|message|>What is it?<|return|>",
         {"thinking: I'm thinking", "text: What is it?"}},
        {"a call",
         thought + "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"at\": \"sky\"}<|call|>",
         with("thinking: I'm thinking", kOneCall)},
        {"the recipient in the role",
         " to=functions.look<|channel|>commentary json<|message|>{\"at\": \"sky\"}<|call|>", kOneCall},
        {"in the channel of thoughts",
         "<|channel|>analysis to=functions.look <|constrain|>json<|message|>{\"at\": \"sky\"}", kOneCall},
        {"a preamble",
         "<|channel|>commentary<|message|>What is it?<|end|><|start|>assistant to=functions.look<|channel|>commentary "
         "<|constrain|>json<|message|>{\"at\": \"sky\"}<|call|>",
         with("text: What is it?", kOneCall)},
        {"two calls",
         "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"at\": "
         "\"sky\"}<|end|><|start|>assistant"
         "<|channel|>commentary to=functions.get_weather<|message|>{\"n\": [1, {}]}<|call|>",
         kTwoCalls},
        {"no closer between",
         "<|channel|>analysis<|message|>I'm thinking<|start|>assistant<|channel|>final<|message|>What is it?",
         {"thinking: I'm thinking", "text: What is it?"}},
        {"what comes after the end", "<|channel|>final<|message|>What is it?<|return|><|start|>user<|message|>Well.",
         kNoCall},
        {"a marker in a string",
         "<|channel|>commentary to=functions.look<|message|>{\"a\": \"<|end|>\"}<|call|>",
         {"call 0: look", "arguments 0: {\"a\": \"<|end|>\"}", "end 0"}},
        {"no arguments",
         "<|channel|>commentary to=functions.look<|message|><|call|>",
         {"call 0: look", "arguments 0: {}", "end 0"}},
        {"python",
         "<|channel|>analysis to=python code<|message|>print(1)<|call|>",
         {"call 0: python", R"x(arguments 0: {"code": "print(1)"})x", "end 0"}},
        {"two thoughts",
         "<|channel|>analysis<|message|>One.<|end|><|start|>assistant<|channel|>analysis<|message|>Two.<|end|>",
         {"thinking: One.\n\nTwo."}},
        {"an unknown name",
         "<|channel|>commentary to=functions.fly<|message|>{}<|call|>",
         {"call 0: fly", "arguments 0: {}", "end 0"}},
        {"no header", "What is it?", kNoCall},
        {"half a header", "<|channel|>comm", {"text: <|channel|>comm"}},
        cut("<|channel|>commentary to=functions.lo", {"call 0: ", "unfinished 0"}),
        cut("<|channel|>commentary to=functions.look<|message|>{\"at\": \"sky\"}<|end|><|start|>assistant to=fu",
            kCutAfterOne),
        cut("<|channel|>commentary to=functions.look<|message|>{\"at",
            {"call 0: look", "arguments 0: {\"at", "unfinished 0"}),
        cut("<|channel|>final<|message|>What is it?", kNoCall)}},
      {"generic",
       {{"a call", R"({"tool_call": {"name": "look", "arguments": {"at": "sky"}}})", kOneCall},
        {"two calls",
         R"({"tool_calls": [{"name": "look", "arguments": {"at": "sky"}}, )"
         R"({"name": "get_weather", "arguments": {"n": [1, {}]}}]})",
         kTwoCalls},
        {"fenced", "```json\n{\n  \"tool_call\": {\"name\": \"look\", \"arguments\": {\"at\": \"sky\"}}\n}\n```",
         kOneCall},
        {"a response", R"({"response": "What \"is\"\nit?\u00e9"})", {"text: What \"is\"\nit?é"}},
        {"a bare call", R"({"name": "look", "arguments": {"at": "sky"}})", kOneCall},
        {"SmolLM2",
         R"(<tool_call>[{"name": "look", "arguments": {"at": "sky"}}, )"
         R"({"name": "get_weather", "arguments": {"n": [1, {}]}}]</tool_call>)",
         kTwoCalls},
        {"SmolLM2, none", "<tool_call>[]</tool_call>", {}},
        {"text", "What is it?", kNoCall},
        {"other JSON", R"({"tool": 1})", {R"(text: {"tool": 1})"}},
        {"no call in it", R"({"tool_call": {"a": 1}})", {R"(text: {"tool_call": {"a": 1}})"}},
        cut(R"({"tool_call": {"name": "look", "arguments": {"at)",
            {"call 0: look", R"(arguments 0: {"at)", "unfinished 0"}),
        cut(R"({"tool_calls": [{"name": "look", "arguments": {"at": "sky"}}, {"name": "ge)", kCutAfterOne),
        cut(R"({"response": "What is)", {"text: What is"})}},
  };
}

inline std::vector<Family> all_families() {
  std::vector<Family> all;
  for (auto&& some : {llama_and_mistral(), functionary_and_cohere(), deepseek_and_kimi(), lists_between_markers(),
                      harmony_and_generic()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace llama::internal::test
