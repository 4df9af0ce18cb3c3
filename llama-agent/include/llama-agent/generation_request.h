// What to generate, and what came of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/finish_reason.h"
#include "llama-agent/message.h"
#include "llama-agent/repetition.h"
#include "llama-agent/reply_event.h"
#include "llama-agent/tool_choice.h"
#include "llama-base/error.h"
#include "llama-core/sampler.h"

namespace llama {

// A stop rule of the caller's own: the reason to stop, or nothing.
//
// It sees the whole answer so far, without thinking. Called by the engine's thread, so it must not block; one that
// throws ends its reply.
using StopRule = std::function<std::optional<std::string>(std::string_view answer, std::int32_t tokens)>;

struct StoppingConfig {
  std::int32_t max_tokens = 512;                          // of the reply, thinking included: 1 to 32,768
  std::vector<std::string> stop_strings{};                // at most 20 of at most 100 bytes; never part of the answer
  std::optional<RepetitionConfig> repetition{};           // nothing: the model may repeat itself
  std::optional<std::chrono::milliseconds> time_limit{};  // of the reply, from its first token on
  bool end_of_sequence = true;                            // false: go on to the limit, whatever the model says
  std::vector<StopRule> rules{};
};

// What the caller wants to be otherwise than the model's file and the defaults say.
struct SamplingWishes {
  std::optional<float> temperature{};     // 0 to 2
  std::optional<float> top_p{};           // 0 to 1
  std::optional<std::int32_t> top_k{};    // 0: all
  std::optional<float> min_p{};           // 0 to 1
  std::optional<float> repeat_penalty{};  // above 0; 1: off
  std::optional<std::uint32_t> seed{};    // nothing: a random one
};

// What to do with a conversation that does not fit the context.
enum class OverflowPolicy {
  Fail,       // say by how much
  DropOldest  // leave out the oldest turns, but not the system's message and the last one; and say what was left out
};

struct GenerationRequest {
  std::string session_id;
  SamplingWishes sampling{};
  StoppingConfig stopping{};
  std::string json_schema{};  // JSON text; the reply is a document of it. "": no such wish
  std::string grammar{};      // GBNF; not together with json_schema
  // JSON array of tool definitions, as OpenAI's interface has them: what the model may call. "": nothing, and then
  // whatever it writes is text. Not together with json_schema or grammar.
  std::string tools{};
  ToolChoice tool_choice{};  // may, must or must not the reply call one of them?
  // Read a line "call NAME with ARGUMENTS" as a call, too, for models that were taught no form of their own: ARGUMENTS
  // are a JSON object, or the value of the tool's only (required) property up to the line's end. A sentence that begins
  // so becomes a call as well.
  bool spoken_calls = false;
  std::optional<bool> enable_thinking{};          // nothing: as the template does by itself
  std::optional<std::int32_t> thinking_budget{};  // tokens; then the thought is closed and the answer begins
  std::optional<std::int32_t> logprobs{};         // that many alternatives for each token: 0 to 20
  OverflowPolicy overflow = OverflowPolicy::Fail;
};

// Errors   InvalidArgument: the first field that is out of its bounds.
[[nodiscard]] Result<void> check(const GenerationRequest& request);

struct TokenLogProb {
  std::string bytes;  // of the token: not always whole characters
  float logprob = 0;  // natural logarithm, before the sampler changes anything
  struct Alternative {
    std::string bytes;
    float logprob = 0;
  };
  std::vector<Alternative> alternatives;  // the most likely first
};

// A piece of a reply: whole characters.
struct StreamChunk {
  std::string text;                    // of the answer
  std::string thinking;                // of the thought before it
  std::int32_t tokens = 0;             // that this piece is made of
  std::vector<TokenLogProb> logprobs;  // one per token, where asked for
  ReplyEvents events;                  // all of it in order, calls of tools included
};

struct Usage {
  std::int32_t prompt_tokens = 0;     // of the conversation as the model read it
  std::int32_t reused_tokens = 0;     // of them: in memory already
  std::int32_t generated_tokens = 0;  // thinking included
  std::int32_t dropped_messages = 0;  // that did not fit the context
};

struct GenerationResponse {
  std::string generated_text;
  std::string thinking;
  std::vector<ToolCall> tool_calls;           // that are complete
  std::optional<ToolCall> unfinished_call{};  // cut off, or no JSON object: for people to see, not to be run
  FinishReason finish_reason = FinishReason::EndOfSequence;
  std::string finish_detail;       // the stop string, the repeated text, the rule's reason
  std::string schema_violation{};  // why the text is no document of the request's schema; "": it is, or there is none
  // Which tools' arguments were held to no schema, and why: "tool 'look' takes any JSON object: …".
  std::vector<std::string> remarks{};
  // Why the session lacks the reply ("session '…' has expired"); "": it has it, or the reply is empty.
  std::string not_kept{};
  Usage usage;
  std::chrono::milliseconds queue_time{0}, prompt_time{0}, generation_time{0};
  SamplingConfig sampling;  // as it was used, with its seed
  std::string device{};     // that computed its end, as Model::device()
};

}  // namespace llama
