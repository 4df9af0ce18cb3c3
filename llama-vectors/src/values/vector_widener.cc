#include "values/vector_widener.h"

namespace llama::internal {

VectorWidener::VectorWidener(VectorElement element, std::int32_t dimension, const std::optional<Int8Scales>& scales)
    : element_(element),
      dimension_(static_cast<std::size_t>(dimension)),
      stride_(vector_bytes(element, dimension)),
      length_(padded(dimension_)),
      kernels_(&similarity_kernels()) {
  if (element != VectorElement::Int8) return;
  // Without scales the value is the number: -128 + (number + 128).
  starts_.assign(dimension_, -128.0);
  steps_.assign(dimension_, 1.0);
  if (!scales) return;
  starts_.assign(scales->starts.begin(), scales->starts.end());
  steps_.assign(scales->steps.begin(), scales->steps.end());
}

void VectorWidener::widen(const std::byte* vector, double* out) const {
  switch (element_) {
    case VectorElement::Float32:
      return kernels_->widen_float32(reinterpret_cast<const float*>(vector), dimension_, out);
    case VectorElement::Float16:
      return kernels_->widen_float16(reinterpret_cast<const std::uint16_t*>(vector), dimension_, out);
    case VectorElement::Int8:
      return kernels_->widen_int8(reinterpret_cast<const std::int8_t*>(vector), starts_.data(), steps_.data(),
                                  dimension_, out);
    case VectorElement::Bits:
      for (std::size_t i = 0; i < dimension_; ++i) {
        const auto byte = std::to_integer<unsigned>(vector[i / 8]);
        out[i] = (byte >> (7 - i % 8) & 1) != 0 ? 1.0 : -1.0;
      }
  }
}

}  // namespace llama::internal
