#include "kimi_format.h"

#include <algorithm>
#include <array>

#include "marked_calls.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 5> kKimiMarkers{"<|tool_calls_section_begin|>", "<|tool_call_begin|>",
                                                       "<|tool_call_end|>", "<|tool_calls_section_end|>",
                                                       "<|tool_call_argument_begin|>"};
constexpr Markers kKimiOpeners = std::span(kKimiMarkers).first(2), kKimiClosers = std::span(kKimiMarkers).subspan(2, 2);
constexpr Markers kKimiNameEnds = std::span(kKimiMarkers).last(1);

// "functions.look:0" -> "look"
void split_kimi_name(std::string& name, std::string& id) {
  constexpr std::string_view kNamespace = "functions.";
  id = name;
  if (name.starts_with(kNamespace)) name.erase(0, kNamespace.size());
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && colon > 0 && name.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
    name.resize(colon);
  }
}

constexpr CallMarkup kKimiCalls{.openers = kKimiOpeners,
                                .closers = kKimiClosers,
                                .hidden = kKimiClosers,
                                .name_ends = kKimiNameEnds,
                                .split_name = split_kimi_name};

}  // namespace

const ReplyFormatKind kKimiFormat{
    .name = "kimi-k2",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains(kKimiMarkers[0]); },
    .make = [](const ReplyFormatOptions& options) { return read_marked_calls(kKimiCalls, options); },
    .markers = kKimiMarkers,
};

}  // namespace llama::internal
