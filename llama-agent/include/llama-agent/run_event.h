// What happens in a run, in order.
//
// A round is one reply of the model and the calls in it. `call` is the number of a call in its round, from 0; `id` is
// its id, as in the session. Events hold what the model writes and what tools answer, never a server's headers or
// variables.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "llama-agent/generation_request.h"
#include "llama-agent/reply_event.h"
#include "llama-agent/tool.h"
#include "llama-agent/tool_approval.h"

namespace llama {

enum class RunEnd {
  Answered,    // a reply without calls
  TokenLimit,  // the last reply was cut, by its tokens, the context or its time
  RoundLimit,  // the last reply still has calls: they were not run
  CallLimit,
  TimeLimit,
  ArgumentTries,  // arguments of one tool did not match again and again
  SameCall,       // the same call came again and again
  Cancelled,
};

// "answered", "token limit", …
[[nodiscard]] std::string_view to_string(RunEnd end);

struct RoundBegun {
  std::int32_t round = 0;  // from 1
  bool operator==(const RoundBegun&) const = default;
};

struct ApprovalWanted {
  std::int32_t call = 0;
  ApprovalQuestion question;
};

struct ApprovalDecided {
  std::int32_t call = 0;
  std::string id{};
  bool is_allowed = false;
  std::string reason{};  // "rule 'files.*'", "asked", why not
};

struct CallStarted {
  std::int32_t call = 0;
  std::string id{}, name{};
  std::string arguments{};  // with references replaced
};

struct CallProgress {
  std::int32_t call = 0;
  std::string id{};
  ToolProgress progress{};
};

// Every call that ended, in whichever order they do; in the session results stand in the order of the calls.
struct CallResult {
  std::int32_t call = 0;
  std::string id{}, name{};
  ToolResult result{};        // as the model sees it
  std::size_t cut_bytes = 0;  // that the model does not see
  bool was_run = false;       // false: refused, and the text says why
  std::chrono::milliseconds time{0};
};

struct RoundEnded {
  std::int32_t round = 0;
  Usage usage{};  // of the round
  FinishReason finish_reason = FinishReason::EndOfSequence;
};

// Something that a person should know; each is told once.
struct RunRemark {
  std::string text;  // one line
  bool operator==(const RunRemark&) const = default;
};

// The last event.
struct RunEnded {
  RunEnd reason = RunEnd::Answered;
  std::string detail{};  // one line, for people
};

using RunEvent =
    std::variant<RoundBegun, TextEvent, ThinkingEvent, ToolCallBegun, ToolCallArguments, ToolCallEnded, ApprovalWanted,
                 ApprovalDecided, CallStarted, CallProgress, CallResult, RoundEnded, RunRemark, RunEnded>;

}  // namespace llama
