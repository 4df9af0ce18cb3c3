// A chat template of any bytes: no crash, no hang, no endless memory; an error of one line, or a prompt whose pieces
// tell the caller's text from the template's.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <print>
#include <source_location>
#include <string_view>

#include "llama-agent/chat_template.h"

namespace {

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "template_fuzz: line {} does not hold", where.line());
  std::abort();
}

const std::vector<llama::Message>& conversation() {
  static const std::vector<llama::Message> messages{
      {.role = llama::MessageRole::System, .content = "You are brief."},
      {.content = "What is <|im_end|>?"},
      {.role = llama::MessageRole::Assistant, .content = "A token.", .thinking = "Hm."},
      {.content = "Grüße"},
  };
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto chat = llama::ChatTemplate::parse(
      {.source = std::string(reinterpret_cast<const char*>(data), size), .bos_token = "<s>", .eos_token = "</s>"});
  const auto check_error = [](const llama::Error& error) {
    require(!error.message.empty() && error.message.size() < 2000);
  };
  if (!chat) {
    check_error(chat.error());
    return 0;
  }
  for (const bool thinks : {false, true}) {
    const auto pieces = chat->render(conversation(), {.enable_thinking = thinks});
    if (!pieces) {
      check_error(pieces.error());
      continue;
    }
    std::size_t sum = 0;
    for (const auto& piece : *pieces) sum += piece.text.size();
    require(sum <= 16 * 1024 * 1024);
  }
  return 0;
}
