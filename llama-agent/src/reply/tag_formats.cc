#include "tag_formats.h"

#include <array>
#include <memory>

#include "tag_calls.h"
#include "thinking_format.h"

namespace llama::internal {
namespace {

constexpr TagMarkup in_block(TagMarkup calls, std::string_view opener, std::string_view closer) {
  calls.opener = opener;
  calls.closer = closer;
  return calls;
}

// Arguments are texts as they are, or JSON.
constexpr TagMarkup kQwenCoder{.opener = "<tool_call>",
                               .closer = "</tool_call>",
                               .call = "<function=",
                               .name_end = ">",
                               .call_end = "</function>",
                               .parameter = "<parameter=",
                               .key_end = ">",
                               .value_end = "</parameter>"};
constexpr TagMarkup kSeed = in_block(kQwenCoder, "<seed:tool_call>", "</seed:tool_call>");
constexpr TagMarkup kGlm{.closer = "</tool_call>",
                         .call = "<tool_call>",
                         .name_end = "\n",
                         .call_end = "</tool_call>",
                         .parameter = "<arg_key>",
                         .key_end = "</arg_key>",
                         .value_end = "</arg_value>",
                         .value = "<arg_value>"};
constexpr TagMarkup kMiniMax{.opener = "<minimax:tool_call>",
                             .closer = "</minimax:tool_call>",
                             .call = "<invoke name=\"",
                             .name_end = "\">",
                             .call_end = "</invoke>",
                             .parameter = "<parameter name=\"",
                             .key_end = "\">",
                             .value_end = "</parameter>"};
constexpr TagMarkup kMiniCpm{.call = "<function name=\"",
                             .name_end = "\">",
                             .call_end = "</function>",
                             .parameter = "<param name=\"",
                             .key_end = "\">",
                             .value_end = "</param>",
                             .has_cdata = true};
constexpr TagMarkup kDsml{.opener = "<｜DSML｜function_calls>",
                          .closer = "</｜DSML｜function_calls>",
                          .call = "<｜DSML｜invoke name=\"",
                          .name_end = "\">",
                          .call_end = "</｜DSML｜invoke>",
                          .parameter = "<｜DSML｜parameter name=\"",
                          .key_end = "\"",
                          .value_end = "</｜DSML｜parameter>",
                          .has_attributes = true};
constexpr TagMarkup kDsml4 = in_block(kDsml, "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>");

// All tags of a family, for those that are control tokens.
template <const TagMarkup& markup>
constexpr std::array<std::string_view, 7> kTags{markup.opener.empty() ? markup.call : markup.opener,
                                                markup.closer,
                                                markup.call_end,
                                                markup.parameter,
                                                markup.key_end,
                                                markup.value_end,
                                                markup.value};

template <const TagMarkup& markup>
std::unique_ptr<ReplyFormat> make_tag_calls(const ReplyFormatOptions& options) {
  static constexpr std::array<std::string_view, 1> kTagOpeners{markup.opener.empty() ? markup.call : markup.opener};
  return std::make_unique<ThinkingFormat>(options, std::make_unique<TagCalls>(markup, options), kTagOpeners);
}

template <const TagMarkup& markup>
constexpr ReplyFormatKind tag_kind(std::string_view name, bool (*fits)(const TemplateTraits&)) {
  return {.name = name, .fits = fits, .make = make_tag_calls<markup>, .markers = kTags<markup>};
}

}  // namespace

const ReplyFormatKind kSeedFormat = tag_kind<kSeed>(
    "seed-oss", [](const TemplateTraits& traits) { return traits.source.contains("<seed:tool_call>"); });
const ReplyFormatKind kQwenCoderFormat = tag_kind<kQwenCoder>("qwen3-coder", [](const TemplateTraits& traits) {
  return traits.source.contains("<function=") && traits.source.contains("<parameter=");
});
const ReplyFormatKind kGlmFormat =
    tag_kind<kGlm>("glm", [](const TemplateTraits& traits) { return traits.source.contains("<arg_key>"); });
const ReplyFormatKind kMiniMaxFormat = tag_kind<kMiniMax>(
    "minimax", [](const TemplateTraits& traits) { return traits.source.contains("minimax:tool_call"); });
const ReplyFormatKind kMiniCpmFormat =
    tag_kind<kMiniCpm>("minicpm", [](const TemplateTraits& traits) { return traits.source.contains("<param name="); });
const ReplyFormatKind kDsml4Format = tag_kind<kDsml4>("dsml-4", [](const TemplateTraits& traits) {
  return traits.source.contains("DSML") && traits.source.contains("tool_calls") &&
         !traits.source.contains("function_calls");
});
const ReplyFormatKind kDsmlFormat =
    tag_kind<kDsml>("dsml", [](const TemplateTraits& traits) { return traits.source.contains("DSML"); });

}  // namespace llama::internal
