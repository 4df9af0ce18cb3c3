// The program's exit statuses, as documented in doc/embed.md and doc/generate.md.
#pragma once

namespace llama {

inline constexpr int kDone = 0;
inline constexpr int kInternalError = 1;
inline constexpr int kUsageError = 2;   // a flag or its value
inline constexpr int kInputError = 3;   // the input file, or with --on-error fail a line of it; a prompt, a schema, a grammar
inline constexpr int kModelError = 4;   // the model's name, file or kind
inline constexpr int kOutputError = 5;  // the output file or its disk, standard output; the model cache's disk
inline constexpr int kNetworkError =
    6;  // the hub is out of reach, asks to wait, or sends damaged files: later it may work
inline constexpr int kInterrupted = 130;  // Ctrl-C; 143 for SIGTERM

}  // namespace llama
