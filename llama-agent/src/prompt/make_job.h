// Turn a request and its session into what the engine works on.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "../engine/job.h"
#include "llama-agent/chat_template.h"
#include "llama-agent/decoder.h"
#include "llama-agent/generation_request.h"
#include "llama-agent/session.h"
#include "transcripts.h"

namespace llama::internal {

struct JobSurroundings {
  const Decoder& decoder;
  const ChatTemplate& chat_template;
  std::function<std::string(std::string_view key)> metadata;  // of the model's file
};

struct MadeJob {
  std::unique_ptr<Job> job;
  std::string prompt;     // as text
  std::string continued;  // what the prompt shows of the message that goes on; "" where none does
};

// Its schemas, that of the answer and those of the tools, are read within one SchemaBudget.
// Errors   InvalidArgument (nothing to answer; a schema, a grammar, the tools), Cancelled (while a schema was read),
//          and as make_prompt().
[[nodiscard]] Result<MadeJob> make_job(const GenerationRequest& request, const Session& session,
                                       const JobSurroundings& surroundings, const Transcript& transcript,
                                       const std::stop_token& stop);

// The message that a session has of a reply: a new one, or the last one, longer by the reply.
[[nodiscard]] Message reply_message(const GenerationResponse& response);
[[nodiscard]] Message extended(const Message& last, const std::string& continued, const GenerationResponse& response);

}  // namespace llama::internal
