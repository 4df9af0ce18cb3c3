#include "lfm_format.h"

#include <array>
#include <memory>
#include <utility>

#include "argument_order.h"
#include "block_reply.h"
#include "thinking_format.h"
#include "written_calls.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 2> kLfmMarkers{"<|tool_call_start|>", "<|tool_call_end|>"};
constexpr std::array<std::string_view, 1> kLfmOpeners{"<|tool_call_start|>"};
constexpr WrittenSyntax kLfmCalls{};

}  // namespace

const ReplyFormatKind kLfmFormat{
    .name = "lfm",
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains("<|tool_list_start|>") || traits.source.contains("<|tool_call_start|>") ||
                 traits.source.contains("List of tools: [");
        },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      const auto order = std::make_shared<const ArgumentOrder>(options);
      const auto block = [order] { return written_calls(kLfmCalls, order); };
      std::vector<CallOpener> openers{{.text = "<|tool_call_start|>", .block = block}};
      for (const auto& tool : options.tools) {
        openers.push_back({.text = "[" + tool + '(', .block = block, .is_read_again = true, .begins_line = true});
      }
      return std::make_unique<ThinkingFormat>(
          options, std::make_unique<BlockReply>(std::move(openers), std::vector<std::string>{"<|tool_call_end|>"}),
          kLfmOpeners);
    },
    .markers = kLfmMarkers,
};

}  // namespace llama::internal
