#include "gemma3_format.h"

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

constexpr std::array<std::string_view, 1> kGemma3Markers{"```tool_code"};
constexpr std::array<std::string_view, 1> kGemma3Openers{"```tool_code"};
constexpr WrittenSyntax kGemma3Calls{.wrapper = "print"};

}  // namespace

const ReplyFormatKind kGemma3Format{
    .name = "gemma3",
    .fits = [](const TemplateTraits&) { return false; },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      const auto order = std::make_shared<const ArgumentOrder>(options);
      const auto block = [order] { return written_calls(kGemma3Calls, order); };
      std::vector<CallOpener> openers{{.text = "```tool_code", .block = block}};
      for (const auto& tool : options.tools) {
        openers.push_back({.text = "[" + tool + '(', .block = block, .is_read_again = true, .begins_line = true});
      }
      const auto json = [tools = options.tools] { return json_block(tools); };
      openers.push_back({.text = "```json", .block = json, .begins_text = true});
      openers.push_back({.text = "{", .block = json, .is_read_again = true, .begins_line = true});
      return std::make_unique<ThinkingFormat>(
          options, std::make_unique<BlockReply>(std::move(openers), std::vector<std::string>{"```"}), kGemma3Openers);
    },
    .markers = kGemma3Markers,
};

}  // namespace llama::internal
