// The program's exit statuses, as documented in doc/embed.md.
#pragma once

namespace llama {

enum ExitStatus : int {
  kDone = 0,
  kInternalError = 1,
  kUsageError = 2,     // a flag or its value
  kInputError = 3,     // the input file, or with --on-error fail a line of it
  kModelError = 4,     // the model's name, file or kind
  kOutputError = 5,    // the output file or its disk
  kInterrupted = 130,  // Ctrl-C; 143 for SIGTERM
};

}  // namespace llama
