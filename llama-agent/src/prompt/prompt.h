// Turn a conversation into the tokens that the model reads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llama-agent/chat_template.h"
#include "llama-agent/decoder.h"
#include "llama-agent/generation_request.h"
#include "llama-agent/message.h"

namespace llama::internal {

// What a session's last prompt and reply were, as text and as the tokens that the model really saw.
struct Transcript {
  std::string text;
  std::vector<Token> tokens;
};

struct Prompt {
  std::string text;
  std::vector<Token> tokens;
  std::vector<std::int32_t> checkpoints;  // beginnings that the next prompt may share
  std::int32_t dropped_messages = 0;
};

struct PromptLimits {
  std::int32_t context_tokens = 0;
  std::int32_t max_tokens = 0;  // of the reply
  OverflowPolicy overflow = OverflowPolicy::Fail;
};

// Where the text goes on from the transcript, its tokens are kept and only the rest is tokenized: a reply's text need
// not become the same tokens again.
//
// Errors   ContextFull: by how many tokens it is too long. What the template or the tokenizer say.
[[nodiscard]] Result<Prompt> make_prompt(const ChatTemplate& chat_template, const Decoder& decoder,
                                         std::span<const Message> messages, const RenderOptions& options,
                                         const PromptLimits& limits, const Transcript& transcript);

// Without the oldest turn: from the first message behind the system's up to before the next user's message. Calls and
// their results go together. The same messages where there is only one turn.
[[nodiscard]] std::vector<Message> without_oldest_turn(std::span<const Message> messages);

}  // namespace llama::internal
