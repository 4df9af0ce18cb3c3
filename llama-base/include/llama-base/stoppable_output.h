// Write to what may take nothing for a long while: a pipe that is full, a terminal that is stopped, a socket.
//
// Whoever waits there asks several times a second whether the work is to stop. The wait is given up where the other
// end then takes nothing for kStoppedPatience: a reader that is only slow gets everything. After that nothing more is
// written, so that what the other end has is a beginning without holes.
//
// Requires SIGPIPE is ignored, so that a reader that went away is an error.
// Threads  one at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>
#include <system_error>

#include "llama-base/disk.h"

namespace llama::internal {

inline constexpr std::chrono::milliseconds kStoppedPatience{1'000};

class StoppableOutput {
 public:
  // descriptor: not ours to close; it may block.
  explicit StoppableOutput(int descriptor);

  // All of it, or why not; operation_canceled where the wait was given up, then and ever after.
  [[nodiscard]] std::error_code write(std::string_view bytes, const std::function<bool()>& is_stopped);

  [[nodiscard]] bool is_given_up() const { return is_given_up_; }

 private:
  enum class Way { Whole, Pieces, Socket };
  [[nodiscard]] std::ptrdiff_t write_some(std::string_view bytes) const;
  [[nodiscard]] int untaken() const;

  int descriptor_;
  FileHandle own_;  // the same pipe or terminal, such that a write to it never waits
  Way way_ = Way::Whole;
  bool is_terminal_ = false;
  bool is_given_up_ = false;
};

}  // namespace llama::internal
