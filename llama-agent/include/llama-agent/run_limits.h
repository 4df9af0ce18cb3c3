// Bound what one run may do. Whatever is cut or refused is told: to the model in the result, to people by a RunRemark.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "llama-agent/tool_schema.h"
#include "llama-base/error.h"

namespace llama {

struct RunLimits {
  std::int32_t max_rounds = 25;                       // replies of the model
  std::int32_t max_calls = 100;                       // in all
  std::int32_t max_calls_per_round = 16;              // the rest of a reply's calls is not run
  std::int32_t max_argument_tries = 3;                // of one tool, arguments that do not match in a row
  std::int32_t max_same_calls = 3;                    // with the same arguments; one more is refused, then the end
  std::chrono::milliseconds call_time_limit{60'000};  // of one call; begins anew with its progress, at most tenfold
  std::chrono::milliseconds time_limit{900'000};      // of the run, approvals included
  std::chrono::milliseconds give_up_after{2'000};     // a call that was told to stop is waited for
  std::size_t max_result_bytes = 32'768;              // of one result; cut at a character
  std::size_t max_result_bytes_in_all = 1'048'576;
  CallLimits arguments{};
};

// Errors   InvalidArgument: the first number that is below 1.
[[nodiscard]] Result<void> check(const RunLimits& limits);

}  // namespace llama
