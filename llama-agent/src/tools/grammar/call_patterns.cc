#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "call_pattern.h"

namespace llama::internal {
namespace {

// A call as a JSON object, as most families write it.
#define LLAMA_JSON_CALL "{%_\"name\"%_:%~\"%N\"%_,%~\"arguments\"%_:%~%A%_}"

// Source   the templates that llama.cpp ships; the names of formats are those of ReplyFormatKind.
constexpr std::array kCallPatterns{
    // Objects between markers.
    CallPattern{.format = "hermes",
                .call = "<tool_call>%/" LLAMA_JSON_CALL "%/</tool_call>",
                .between = "%/",
                .marker = "<tool_call>"},
    CallPattern{.format = "nemotron",
                .opener = "<TOOLCALL>%_[%_",
                .call = LLAMA_JSON_CALL,
                .between = "%_,%~",
                .closer = "%_]</TOOLCALL>",
                .marker = "<TOOLCALL>"},
    CallPattern{.format = "tool-calls",
                .opener = "<tool_calls>%/",
                .call = LLAMA_JSON_CALL,
                .between = "%/",
                .closer = "%/</tool_calls>",
                .marker = "<tool_calls>"},
    CallPattern{.format = "granite3",
                .opener = "<|tool_call|>%_[%_",
                .call = LLAMA_JSON_CALL,
                .between = "%_,%~",
                .closer = "%_]",
                .marker = "<|tool_call|>",
                .thought = "<think>"},
    CallPattern{.format = "phi4",
                .opener = "<|tool_call|>%_[%_",
                .call = LLAMA_JSON_CALL,
                .between = "%_,%~",
                .closer = "%_]<|/tool_call|>",
                .marker = "<|tool_call|>"},
    CallPattern{.format = "mistral",
                .opener = "[TOOL_CALLS]%_[%_",
                .call = R"({%_"name"%_:%~"%N"%_,%~"arguments"%_:%~%A%_,%~"id"%_:%~"%I"%_})",
                .between = "%_,%~",
                .closer = "%_]",
                .marker = "[TOOL_CALLS]"},
    CallPattern{.format = "command-r",
                .opener = "Action:%/```json%/[%/",
                .call = R"({%/"tool_name"%_:%~"%N"%_,%/"parameters"%_:%~%A%/})",
                .between = "%_,%/",
                .closer = "%/]%/```",
                .marker = "Action:"},
    CallPattern{.format = "command-r7b",
                .opener = "<|START_ACTION|>%_[%/",
                .call = R"({%_"tool_call_id"%_:%~"%#"%_,%~"tool_name"%_:%~"%N"%_,%~"parameters"%_:%~%A%_})",
                .between = "%_,%/",
                .closer = "%/]<|END_ACTION|>",
                .marker = "<|START_ACTION|>",
                .thought = "<|START_THINKING|>"},
    CallPattern{.format = "apertus",
                .opener = "<|tools_prefix|>%_[%_",
                .call = "{%_\"%N\"%_:%~%A%_}",
                .between = "%_,%~",
                .closer = "%_]<|tools_suffix|>",
                .marker = "<|tools_prefix|>",
                .thought = "<|inner_prefix|>"},
    // Objects without a marker: an object may be an answer as well.
    CallPattern{.format = "llama3", .call = R"({%_"name"%_:%~"%N"%_,%~"parameters"%_:%~%A%_})", .between = kOneCall},
    CallPattern{.format = "generic", .call = "{%_\"tool_call\"%_:%~" LLAMA_JSON_CALL "%_}", .between = kOneCall},
    // A name, and then an object.
    CallPattern{.format = "mistral-call-id", .call = "[TOOL_CALLS]%N[CALL_ID]%I[ARGS]%A", .marker = "[TOOL_CALLS]"},
    CallPattern{.format = "mistral-args", .call = "[TOOL_CALLS]%N[ARGS]%A", .marker = "[TOOL_CALLS]"},
    CallPattern{.format = "functionary31", .call = "<function=%N>%A</function>", .marker = "<function="},
    CallPattern{.format = "functionary32", .call = "%N\n%A", .between = ">>>"},
    CallPattern{.format = "deepseek-r1",
                .opener = "<｜tool▁calls▁begin｜>",
                .call = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>%N\n```json\n%A\n```<｜tool▁call▁end｜>",
                .between = "%/",
                .closer = "<｜tool▁calls▁end｜>",
                .marker = "<｜tool▁calls▁begin｜>"},
    CallPattern{.format = "deepseek-v3.1",
                .opener = "<｜tool▁calls▁begin｜>",
                .call = "<｜tool▁call▁begin｜>%N<｜tool▁sep｜>%A<｜tool▁call▁end｜>",
                .closer = "<｜tool▁calls▁end｜>",
                .marker = "<｜tool▁calls▁begin｜>"},
    CallPattern{.format = "kimi-k2",
                .opener = "<|tool_calls_section_begin|>",
                .call = "<|tool_call_begin|>functions.%N:%#<|tool_call_argument_begin|>%A<|tool_call_end|>",
                .closer = "<|tool_calls_section_end|>",
                .marker = "<|tool_calls_section_begin|>"},
    // Behind the arguments comes <|call|>, which ends generation.
    CallPattern{.format = "harmony",
                .call = "<|channel|>commentary to=functions.%N <|constrain|>json<|message|>%A",
                .between = kOneCall,
                .marker = "<|channel|>commentary to=functions.",
                .thought = "<|channel|>analysis<|message|>",
                .next_message = "<|start|>assistant"},
    // A name, and then parameters between tags.
    CallPattern{.format = "qwen3-coder",
                .call = "<tool_call>\n<function=%N>\n%A</function>\n</tool_call>",
                .between = "%/",
                .marker = "<tool_call>",
                .parameter = "<parameter=%K>\n%V\n</parameter>\n",
                .value_closer = "\n</parameter>"},
    CallPattern{.format = "seed-oss",
                .call = "<seed:tool_call>\n<function=%N>\n%A</function>\n</seed:tool_call>",
                .between = "%/",
                .marker = "<seed:tool_call>",
                .parameter = "<parameter=%K>%V</parameter>\n",
                .value_closer = "</parameter>"},
    CallPattern{.format = "glm",
                .call = "<tool_call>%N\n%A</tool_call>",
                .between = "%/",
                .marker = "<tool_call>",
                .parameter = "<arg_key>%K</arg_key>\n<arg_value>%V</arg_value>\n",
                .value_closer = "</arg_value>"},
    CallPattern{.format = "minimax",
                .opener = "<minimax:tool_call>\n",
                .call = "<invoke name=\"%N\">\n%A</invoke>\n",
                .closer = "</minimax:tool_call>",
                .marker = "<minimax:tool_call>",
                .parameter = "<parameter name=\"%K\">%V</parameter>\n",
                .value_closer = "</parameter>"},
    CallPattern{.format = "minicpm",
                .call = "<function name=\"%N\">%A</function>",
                .between = "%/",
                .marker = "<function name=\"",
                .parameter = "<param name=\"%K\">%V</param>",
                .value_closer = "</param>"},
    CallPattern{.format = "dsml",
                .opener = "<｜DSML｜function_calls>\n",
                .call = "<｜DSML｜invoke name=\"%N\">\n%A</｜DSML｜invoke>\n",
                .closer = "</｜DSML｜function_calls>",
                .marker = "<｜DSML｜function_calls>",
                .parameter = "<｜DSML｜parameter name=\"%K\" string=\"%T\">%V</｜DSML｜parameter>\n",
                .value_closer = "</｜DSML｜parameter>"},
    CallPattern{.format = "dsml-4",
                .opener = "<｜DSML｜tool_calls>\n",
                .call = "<｜DSML｜invoke name=\"%N\">\n%A</｜DSML｜invoke>\n",
                .closer = "</｜DSML｜tool_calls>",
                .marker = "<｜DSML｜tool_calls>",
                .parameter = "<｜DSML｜parameter name=\"%K\" string=\"%T\">%V</｜DSML｜parameter>\n",
                .value_closer = "</｜DSML｜parameter>"},
};
#undef LLAMA_JSON_CALL

// Formats whose values are written in a way of their own: a call can be made to begin, and is checked once it is there.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCallOpeners{{
    {"gemma4", "<|tool_call>call:"},
    {"function-gemma", "<start_function_call>call:"},
    {"lfm", "<|tool_call_start|>["},
    {"smollm3", "<code>"},
}};

}  // namespace

std::span<const CallPattern> call_patterns() { return kCallPatterns; }

const CallPattern* call_pattern_of(std::string_view format) {
  const auto found = std::ranges::find(kCallPatterns, format, &CallPattern::format);
  return found == kCallPatterns.end() ? nullptr : &*found;
}

std::string_view call_opener_of(std::string_view format) {
  const auto found = std::ranges::find(kCallOpeners, format, [](const auto& entry) { return entry.first; });
  return found == kCallOpeners.end() ? std::string_view() : found->second;
}

}  // namespace llama::internal
