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
#include "transcripts.h"

namespace llama::internal {

// What of the last message goes on.
enum class Continues { Nothing, Thought, Answer };

struct Prompt {
  std::string text;
  std::vector<Token> tokens;
  std::vector<std::int32_t> checkpoints;  // beginnings that the next prompt may share
  std::int32_t dropped_messages = 0;
  std::string own_end;  // the template's own words at the end
  Continues continues = Continues::Nothing;
  std::string continued;  // what stands at the end of the message that goes on, as the template shows it
};

struct PromptLimits {
  std::int32_t context_tokens = 0;
  std::int32_t max_tokens = 0;  // of the reply
  OverflowPolicy overflow = OverflowPolicy::Fail;
};

// Where the text goes on from the transcript, its tokens are kept and only the rest is tokenized: a reply's text need
// not become the same tokens again.
//
// Where it is too long and the oldest turns may be left out, just as many are as have to be: from the first message
// behind the system's up to before a user's further on. The last turn stays.
//
// Cost     a rendering and a tokenization; twice the logarithm of the turns that are left out more.
// Errors   ContextFull: by how many tokens it is too long. What the template or the tokenizer say.
[[nodiscard]] Result<Prompt> make_prompt(const ChatTemplate& chat_template, const Decoder& decoder,
                                         std::span<const Message> messages, const RenderOptions& options,
                                         const PromptLimits& limits, const Transcript& transcript);

}  // namespace llama::internal
