#include "command_r_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kAction = "<|START_ACTION|>", kActionEnd = "<|END_ACTION|>", kPlainAction = "Action:";
constexpr std::string_view kThought = "<|START_THINKING|>", kThoughtEnd = "<|END_THINKING|>";
constexpr std::array<std::string_view, 8> kCommandMarkers{
    kAction,  kActionEnd,  "<|START_RESPONSE|>", "<|END_RESPONSE|>",
    kThought, kThoughtEnd, "<|START_TEXT|>",     "<|END_TEXT|>"};
constexpr std::array kActionOpeners{kAction}, kPlainOpeners{kPlainAction};
constexpr Markers kAnswerMarkers = std::span(kCommandMarkers).subspan(1);
constexpr CallMarkup kCommandACalls{.openers = kActionOpeners, .closers = kAnswerMarkers, .hidden = kAnswerMarkers};
constexpr CallMarkup kCommandRCalls{.line_openers = kPlainOpeners};

}  // namespace

const ReplyFormatKind kCommandAFormat{
    .name = "command-r7b",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kAction); },
    .make =
        [](const ReplyFormatOptions& options) {
          return read_marked_calls(kCommandACalls, options, kThought, kThoughtEnd);
        },
    .markers = kCommandMarkers,
    .reads_every_reply = true,
};

const ReplyFormatKind kCommandRFormat{
    .name = "command-r",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kPlainAction) && traits.source.contains("tool_name");
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kCommandRCalls, options); },
};

}  // namespace llama::internal
