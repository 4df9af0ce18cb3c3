#include "gemma4_format.h"

#include <array>
#include <memory>
#include <utility>

#include "argument_order.h"
#include "block_reply.h"
#include "thinking_format.h"
#include "written_calls.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 6> kGemma4Markers{"<|tool_call>",     "<tool_call|>", "<|\"|>",
                                                         "<|tool_response>", "<|channel>",   "<channel|>"};
constexpr std::array<std::string_view, 1> kGemma4Openers{"<|tool_call>"};
constexpr WrittenSyntax kGemma4Calls{
    .bracket = '{', .before = "call:", .values = {.quote = "<|\"|>", .words_are_strings = true}};

}  // namespace

const ReplyFormatKind kGemma4Format{
    .name = "gemma4",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains("<|tool_call>call:"); },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      const auto order = std::make_shared<const ArgumentOrder>(options);
      const auto block = [order] { return written_calls(kGemma4Calls, order); };
      std::vector<CallOpener> openers{{.text = "<|tool_call>", .block = block}};
      for (const auto& tool : options.tools) {
        openers.push_back({.text = "call:" + tool + '{', .block = block, .is_read_again = true, .begins_line = true});
      }
      openers.push_back({.text = "<|tool_response>"});  // what the caller is to write now
      return std::make_unique<ThinkingFormat>(
          options, std::make_unique<BlockReply>(std::move(openers), std::vector<std::string>{"<tool_call|>"}),
          kGemma4Openers);
    },
    .markers = kGemma4Markers,
};

}  // namespace llama::internal
