#include "kernels/arm_extensions.h"

#if defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

namespace ggml_packed {

bool has_dot_products() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
bool has_matrix_products() { return (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }

}  // namespace ggml_packed

#else

namespace ggml_packed {

bool has_dot_products() { return false; }
bool has_matrix_products() { return false; }

}  // namespace ggml_packed

#endif
