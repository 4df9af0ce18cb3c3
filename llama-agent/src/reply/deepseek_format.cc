#include "deepseek_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kSeparator = "<｜tool▁sep｜>";
constexpr std::array<std::string_view, 5> kDeepSeekMarkers{"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
                                                           "<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>", kSeparator};
// The distils, to which the markers are no tokens, misspell the first one.
constexpr std::array<std::string_view, 5> kDeepSeekOpeners{"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
                                                           "<｜tool▁calls｜>", "<｜tool_calls_begin｜>",
                                                           "<｜tool calls begin｜>"};
constexpr Markers kDeepSeekClosers = std::span(kDeepSeekMarkers).subspan(2, 2);
constexpr std::array<std::string_view, 2> kR1NameEnds{"\n", kSeparator};
constexpr std::array<std::string_view, 1> kV31NameEnds{kSeparator};
constexpr CallMarkup kR1Calls{.openers = kDeepSeekOpeners,
                              .closers = kDeepSeekClosers,
                              .hidden = kDeepSeekClosers,
                              .name_ends = kR1NameEnds,
                              .name_prefix = "function<｜tool▁sep｜>"};
constexpr CallMarkup kV31Calls{
    .openers = kDeepSeekOpeners, .closers = kDeepSeekClosers, .hidden = kDeepSeekClosers, .name_ends = kV31NameEnds};

}  // namespace

const ReplyFormatKind kDeepSeekR1Format{
    .name = "deepseek-r1",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kSeparator) && traits.source.contains("```json");
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kR1Calls, options); },
    .markers = kDeepSeekMarkers,
};

const ReplyFormatKind kDeepSeekV31Format{
    .name = "deepseek-v3.1",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kSeparator); },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kV31Calls, options); },
    .markers = kDeepSeekMarkers,
};

}  // namespace llama::internal
