#include "mistral_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kToolCalls = "[TOOL_CALLS]", kCallId = "[CALL_ID]", kArgs = "[ARGS]";
constexpr std::string_view kThink = "[THINK]", kThinkEnd = "[/THINK]";
constexpr std::array kMistralMarkers{kToolCalls, kCallId, kArgs, kThink, kThinkEnd};
constexpr std::array kMistralOpeners{kToolCalls}, kMistralNameEnds{kArgs};
constexpr CallMarkup kMistralCalls{.openers = kMistralOpeners, .name_ends = kMistralNameEnds, .id_opener = kCallId};

std::unique_ptr<ReplyFormat> make_mistral(const ReplyFormatOptions& options) {
  return read_marked_calls(kMistralCalls, options, kThink, kThinkEnd);
}

}  // namespace

const ReplyFormatKind kMistralIdsFormat{
    .name = "mistral-call-id",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kCallId); },
    .make = make_mistral,
    .markers = kMistralMarkers,
};

const ReplyFormatKind kMistralArgumentsFormat{
    .name = "mistral-args",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kToolCalls) && traits.source.contains(kArgs);
        },
    .make = make_mistral,
    .markers = kMistralMarkers,
};

const ReplyFormatKind kMistralListFormat{
    .name = "mistral",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kToolCalls); },
    .make = make_mistral,
    .markers = kMistralMarkers,
};

}  // namespace llama::internal
