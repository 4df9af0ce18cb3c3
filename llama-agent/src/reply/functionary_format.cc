#include "functionary_format.h"

#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::string_view kFunction = "<function=", kFunctionEnd = "</function>", kCodeTag = "<|python_tag|>";
constexpr std::string_view kRecipient = ">>>";
constexpr std::array kFunctionaryMarkers{kCodeTag};
constexpr std::array kFunctionOpeners{kFunction}, kFunctionClosers{kFunctionEnd};
constexpr std::array<std::string_view, 1> kFunctionNameEnds{">"}, kRecipientEnds{"\n"};
constexpr std::array kRecipientOpeners{kRecipient};
constexpr CallMarkup kFunctionaryCalls{.openers = kFunctionOpeners,
                                       .closers = kFunctionClosers,
                                       .name_ends = kFunctionNameEnds,
                                       .has_code = true,
                                       .code_opener = kCodeTag};
constexpr CallMarkup kRecipientCalls{.line_openers = kRecipientOpeners,
                                     .name_ends = kRecipientEnds,
                                     .has_code = true,
                                     .text_name = "all",
                                     .begins_with_name = true};

}  // namespace

const ReplyFormatKind kFunctionary31Format{
    .name = "functionary31",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kFunction) && traits.source.contains("<|start_header_id|>");
        },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kFunctionaryCalls, options); },
    .markers = kFunctionaryMarkers,
};

const ReplyFormatKind kFunctionary32Format{
    .name = "functionary32",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(">>>all"); },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kRecipientCalls, options); },
    .reads_every_reply = true,
};

}  // namespace llama::internal
