// How much of the processor other programs get while this one computes.
#pragma once

#include "llama-base/error.h"

namespace llama {

// Every thread of the process, and those that it starts later, get a niceness of `level` (1 to 19; setpriority(2)). A
// process that is nicer already stays so.
//
// Errors   Io: the system refuses.
[[nodiscard]] Result<void> be_nice(int level);

}  // namespace llama
