// Do many short pieces of work at a time, each of which waits for a network more than it computes.
//
// The first failure stops all others; it is the result, before those that were only stopped by it.
// Threads  `workers` of its own, at most one per piece; the caller's waits, and calls `tick` ten times a second.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include "llama-base/error.h"

namespace llama::internal {

struct PieceOfWork {
  std::size_t worker = 0;  // from 0: one that does a piece at a time
  std::size_t number = 0;  // from 0
  std::stop_token stop;
};

// Errors   work's; Cancelled.
[[nodiscard]] Result<void> side_by_side(std::size_t count, std::size_t workers, const std::stop_token& stop,
                                        const std::function<Result<void>(const PieceOfWork&)>& work,
                                        const std::function<void()>& tick);

}  // namespace llama::internal
