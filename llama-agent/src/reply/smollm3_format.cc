#include "smollm3_format.h"

#include <array>
#include <memory>
#include <utility>

#include "argument_order.h"
#include "block_reply.h"
#include "json_block.h"
#include "thinking_format.h"
#include "written_calls.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 4> kSmolLm3Markers{"<code>", "</code>", "<tool_call>", "</tool_call>"};
constexpr std::array<std::string_view, 2> kSmolLm3Openers{"<code>", "<tool_call>"};
constexpr WrittenSyntax kSmolLm3Calls{};

}  // namespace

const ReplyFormatKind kSmolLm3Format{
    .name = "smollm3",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains("<code>"); },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      const auto order = std::make_shared<const ArgumentOrder>(options);
      const auto block = [order] { return written_calls(kSmolLm3Calls, order); };
      std::vector<CallOpener> openers{{.text = "<code>", .block = block}};
      openers.push_back({.text = "<tool_call>", .block = [] { return json_block(); }});
      return std::make_unique<ThinkingFormat>(
          options,
          std::make_unique<BlockReply>(std::move(openers), std::vector<std::string>{"</code>", "</tool_call>"}),
          kSmolLm3Openers);
    },
    .markers = kSmolLm3Markers,
};

}  // namespace llama::internal
