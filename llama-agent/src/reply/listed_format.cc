#include "listed_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

using One = std::array<std::string_view, 1>;
using Two = std::array<std::string_view, 2>;

// Granite's answer may stand in <response>, behind its thought.
constexpr Two kBarMarkers{"<|tool_call|>", "<|/tool_call|>"};
constexpr One kBarOpeners{"<|tool_call|>"}, kBarClosers{"<|/tool_call|>"}, kFunctools{"functools"};
constexpr CallMarkup kGranite3Calls{.openers = kBarOpeners, .wrapper = "<response>", .wrapper_end = "</response>"};
constexpr CallMarkup kPhi4Calls{
    .openers = kBarOpeners, .line_openers = kFunctools, .closers = kBarClosers, .hidden = kBarClosers};

constexpr Two kNemotronMarkers{"<TOOLCALL>", "</TOOLCALL>"};
constexpr One kNemotronOpeners{"<TOOLCALL>"}, kNemotronClosers{"</TOOLCALL>"};
constexpr CallMarkup kNemotronCalls{.openers = kNemotronOpeners, .closers = kNemotronClosers};

constexpr std::array<std::string_view, 4> kApertusMarkers{"<|tools_prefix|>", "<|tools_suffix|>", "<|inner_prefix|>",
                                                          "<|inner_suffix|>"};
constexpr One kApertusOpeners{"<|tools_prefix|>"}, kApertusClosers{"<|tools_suffix|>"};
constexpr CallMarkup kApertusCalls{
    .openers = kApertusOpeners, .closers = kApertusClosers, .hidden = kApertusClosers, .form = JsonCallForm::NameIsKey};

constexpr Two kToolCallsMarkers{"<tool_calls>", "</tool_calls>"};
constexpr One kToolCallsOpeners{"<tool_calls>"}, kToolCallsClosers{"</tool_calls>"};
constexpr CallMarkup kToolCallsCalls{.openers = kToolCallsOpeners, .closers = kToolCallsClosers};

}  // namespace

const ReplyFormatKind kGranite3Format{
    .name = "granite3",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kBarOpeners[0]) && traits.source.contains("start_of_role");
        },
    .make =
        [](const ReplyFormatOptions& options) {
          return read_marked_calls(kGranite3Calls, options, "<think>", "</think>");
        },
    .markers = kBarMarkers,
    .reads_every_reply = true,
};

const ReplyFormatKind kPhi4Format{
    .name = "phi4",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains("<|tool|>") || traits.source.contains(kFunctools[0]);
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kPhi4Calls, options); },
    .markers = kBarMarkers,
};

const ReplyFormatKind kNemotronFormat{
    .name = "nemotron",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kNemotronOpeners[0]); },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kNemotronCalls, options); },
    .markers = kNemotronMarkers,
};

const ReplyFormatKind kApertusFormat{
    .name = "apertus",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kApertusOpeners[0]); },
    .make =
        [](const ReplyFormatOptions& options) {
          return read_marked_calls(kApertusCalls, options, kApertusMarkers[2], kApertusMarkers[3]);
        },
    .markers = kApertusMarkers,
    .reads_every_reply = true,
};

const ReplyFormatKind kToolCallsFormat{
    .name = "tool-calls",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kToolCallsOpeners[0]); },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kToolCallsCalls, options); },
    .markers = kToolCallsMarkers,
};

}  // namespace llama::internal
