// The program's exit statuses, as documented in doc/embed.md and doc/generate.md.
#pragma once

#include <string_view>

namespace llama {

inline constexpr int kDone = 0;
inline constexpr int kInternalError = 1;
inline constexpr int kUsageError = 2;  // a flag or its value
// The input file, or with --on-error fail a line of it; a prompt, a schema, a grammar.
inline constexpr int kInputError = 3;
inline constexpr int kModelError = 4;   // the model's name, file or kind
inline constexpr int kOutputError = 5;  // the output file or its disk, standard output; the model cache's disk
// The hub is out of reach, asks to wait, or sends damaged files: later it may work.
inline constexpr int kNetworkError = 6;
inline constexpr int kToolError = 7;  // a tool that was called by hand says that it failed

// The last line of a command's help.
inline constexpr std::string_view kStatusHelp =
    "Exit status: 0 done, 2 usage, 3 input, 4 model, 5 output or disk, 6 network or hub, 130 interrupted (143: "
    "terminated), 1 anything else.";

}  // namespace llama
