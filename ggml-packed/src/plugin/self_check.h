// Compare the kernels with ggml's own results before they are trusted with a model.
#pragma once

#include "kernels/kernels.h"

namespace ggml_packed {

// One small product for each format, beside a sum in double precision over the same weights. Done once per level.
// A wrong result, infinities and NaN all fail.
[[nodiscard]] bool passes_self_check(const Kernels& kernels);

}  // namespace ggml_packed
