// Which instructions for products of bytes does a CPU of arm64 have?
//
// Source   Arm Architecture Reference Manual, FEAT_DotProd and FEAT_I8MM; Linux,
//          Documentation/arch/arm64/elf_hwcaps.rst.
// Errors   false on other systems than Linux, which nobody has tried.
#pragma once

namespace ggml_packed {

// SDOT: a number for each four neighbours.
[[nodiscard]] bool has_dot_products();

// SMMLA: two rows of eight by two rows of eight.
[[nodiscard]] bool has_matrix_products();

}  // namespace ggml_packed
