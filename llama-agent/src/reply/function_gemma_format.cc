#include "function_gemma_format.h"

#include <array>
#include <memory>
#include <utility>

#include "argument_order.h"
#include "block_reply.h"
#include "thinking_format.h"
#include "written_calls.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 4> kFunctionGemmaMarkers{"<start_function_call>", "<end_function_call>",
                                                                "<escape>", "<start_function_response>"};
constexpr std::array<std::string_view, 1> kFunctionGemmaOpeners{"<start_function_call>"};
constexpr WrittenSyntax kFunctionGemmaCalls{
    .bracket = '{', .before = "call:", .values = {.quote = "<escape>", .words_are_strings = true}};

}  // namespace

const ReplyFormatKind kFunctionGemmaFormat{
    .name = "function-gemma",
    .fits = [](const TemplateTraits& traits) { return traits.source.contains("<start_function_call>"); },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      const auto order = std::make_shared<const ArgumentOrder>(options);
      const auto block = [order] { return written_calls(kFunctionGemmaCalls, order); };
      std::vector<CallOpener> openers{{.text = "<start_function_call>", .block = block}};
      for (const auto& tool : options.tools) {
        openers.push_back({.text = "call:" + tool + '{', .block = block, .is_read_again = true, .begins_line = true});
      }
      openers.push_back({.text = "<start_function_response>"});  // what the caller is to write now
      return std::make_unique<ThinkingFormat>(
          options, std::make_unique<BlockReply>(std::move(openers), std::vector<std::string>{"<end_function_call>"}),
          kFunctionGemmaOpeners);
    },
    .markers = kFunctionGemmaMarkers,
};

}  // namespace llama::internal
