#include "format/weight_values.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/row_kernels.h"

namespace ggml_packed {

void read_weights(const ggml_tensor& weights, std::size_t row, std::size_t first, std::size_t count, float* out) {
  const std::byte* from = static_cast<const std::byte*>(weights.data) + row * weights.nb[1] +
                          ggml_row_size(weights.type, static_cast<std::int64_t>(first));
  const Kernels* best = kernels();
  if (weights.type == GGML_TYPE_F32) {
    std::copy_n(reinterpret_cast<const float*>(from), count, out);
  } else if (weights.type == GGML_TYPE_F16 && best != nullptr) {
    row_kernels(*best).from_f16(reinterpret_cast<const std::uint16_t*>(from), count, out);
  } else {
    ggml_get_type_traits(weights.type)->to_float(from, out, static_cast<std::int64_t>(count));
  }
}

void round_to_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  if (const Kernels* best = kernels()) return best->to_bf16(values, count, out);
  std::transform(values, values + count, out, [](float value) { return ggml_fp32_to_bf16(value).bits; });
  if (count % 2 != 0) out[count] = 0;
}

}  // namespace ggml_packed
