#include "llama3_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kPythonTag = "<|python_tag|>", kEndOfMessage = "<|eom_id|>",
                           kRoleHeader = "<|start_header_id|>";
constexpr std::array kLlamaMarkers{kPythonTag};
// Several calls, which the templates do not know, are parted by semicolons.
constexpr std::array<std::string_view, 2> kLlamaClosers{";", kEndOfMessage};
constexpr CallMarkup kLlamaCalls{.closers = kLlamaClosers, .code_opener = kPythonTag};

}  // namespace

const ReplyFormatKind kLlama3Format{
    .name = "llama3",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kPythonTag) ||
                 (traits.source.contains(kRoleHeader) && traits.source.contains("ipython"));
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kLlamaCalls, options); },
    .markers = kLlamaMarkers,
};

}  // namespace llama::internal
