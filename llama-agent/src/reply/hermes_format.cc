#include "hermes_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kOpener = "<tool_call>", kCloser = "</tool_call>";
constexpr std::array<std::string_view, 2> kMarkers{kOpener, kCloser};
constexpr std::array<std::string_view, 1> kHermesOpeners{kOpener}, kHermesClosers{kCloser};
constexpr CallMarkup kHermesCalls{.openers = kHermesOpeners, .closers = kHermesClosers};

}  // namespace

const ReplyFormatKind kHermesFormat{
    .name = "hermes",
    // Qwen3-Coder's and GLM's calls stand between the same markers, and are no JSON.
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kOpener) && !traits.source.contains("<function=") &&
                 !traits.source.contains("<arg_key>");
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kHermesCalls, options); },
    .markers = kMarkers,
};
}  // namespace llama::internal
