// Have a signal end the wait of whoever prints to a pipe or a terminal that takes nothing.
//
// While it lives, stdout and stderr of C (std::print, fputs) go through StoppableOutput (llama-base) where what they
// are may be full. After a signal whoever waits there for a reader gets an error (ECANCELED) a second later, and all
// ends as it does at other errors: what is unfinished is removed, journals are kept. Lines for stderr are then dropped.
// Threads  one object, created after the Interrupt and before others; streams are then used as ever.
#pragma once

#include <cstdio>
#include <memory>

#include "interrupt.h"

namespace llama {

class StandardStreams {
 public:
  explicit StandardStreams(const Interrupt& interrupt);
  // Prints what still waits to be printed.
  ~StandardStreams();
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;

  // Of the signal that ended a wait, of standard output's or of any; 0 where none did.
  [[nodiscard]] int output_status() const;
  [[nodiscard]] int exit_status() const;

 private:
  class Stream;
  std::unique_ptr<Stream> output_, errors_;
};

}  // namespace llama
