// What `generate` gives to the model, read from its arguments and their files, and checked before the model loads.
#pragma once

#include <optional>

#include "console.h"
#include "generate.h"
#include "interrupt.h"
#include "llama-agent/chat_template.h"

namespace llama {

struct GenerateTexts {
  std::optional<Message> prompt;  // a chat may begin without one
  GenerationRequest request;      // without its session
  std::optional<ChatTemplate> chat_template;
};

// Whatever can be known to fail without a model fails here. What a schema says that the model may write wrong at first
// is told on standard error. A signal while a file or standard input is read ends the program.
[[nodiscard]] Step<GenerateTexts> read_texts(const GenerateArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
