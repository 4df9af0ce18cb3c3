// Ask the person at the terminal whether a call may run.
//
// Threads  one question at a time.
#pragma once

#include <stop_token>

#include "llama-agent/tool_approval.h"

namespace llama {

// Shows the tool and the arguments, the first time what the server says of it, and reads yes, no, always or a reason.
[[nodiscard]] ApprovalAnswer ask_approval(const ApprovalQuestion& question, const std::stop_token& stop);

}  // namespace llama
