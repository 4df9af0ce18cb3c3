// The activation functions, and which of them a node of ggml's applies.
#pragma once

#include <ggml.h>

#include <optional>

#include "kernels/kernels.h"

namespace ggml_packed {

// Of a UNARY or a GLU node; nothing: one that we do not know.
[[nodiscard]] std::optional<Activation> activation_of(const ggml_tensor& node);

}  // namespace ggml_packed
