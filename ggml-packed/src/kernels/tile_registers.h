// Are there the tile registers of Intel's server CPUs (AMX), with products of bfloat16?
//
// Source   Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18; Linux,
//          Documentation/arch/x86/xstate.rst: a process asks before it uses them.
#pragma once

namespace ggml_packed {

// Does this CPU have them, and does the system let this process use them? Asks the system once.
[[nodiscard]] bool has_tile_registers();

}  // namespace ggml_packed
