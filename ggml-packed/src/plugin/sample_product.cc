#include "plugin/sample_product.h"

#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <random>

#include "format/weight_format.h"

namespace ggml_packed {

SampleProduct::SampleProduct(const Kernels& kernels, enum ggml_type type, ProductShape shape)
    : kernels_(kernels),
      shape_(shape),
      weights_(shape.outputs * shape.columns),
      x_(shape.rows * shape.columns),
      out_(shape.rows * shape.outputs) {
  // Every program that loads the plug-in waits for this: evenly spread numbers take a tenth of the time of normal ones.
  std::minstd_rand random(1);
  const auto fill = [&](std::vector<float>& values) {
    for (float& v : values) v = static_cast<float>(random()) * 0x1p-30F - 1.0F;
  };
  fill(weights_);
  fill(x_);

  ggml_tensor tensor{};
  tensor.type = type;
  tensor.ne[0] = static_cast<std::int64_t>(shape.columns);
  tensor.ne[1] = static_cast<std::int64_t>(shape.outputs);
  tensor.ne[2] = tensor.ne[3] = 1;
  tensor.nb[0] = ggml_type_size(type);
  tensor.nb[1] = ggml_row_size(type, tensor.ne[0]);
  std::vector<std::byte> bytes(tensor.nb[1] * shape.outputs);
  tensor.data = bytes.data();
  if (type == GGML_TYPE_F32) {
    std::memcpy(bytes.data(), weights_.data(), bytes.size());
  } else {
    ggml_quantize_chunk(type, weights_.data(), bytes.data(), 0, tensor.ne[1], tensor.ne[0], nullptr);
    for (std::size_t n = 0; n < shape.outputs; ++n) {
      ggml_get_type_traits(type)->to_float(bytes.data() + n * tensor.nb[1], weights_.data() + n * shape.columns,
                                           tensor.ne[0]);
    }
  }
  ThreadTeam team(1);
  packed_.emplace(tensor, layout_for(*format_for(type, kernels), kernels), team);
  prepare();
}

void SampleProduct::prepare() {
  const Format format = packed_->format();
  const std::size_t width = format == Format::F32 ? sizeof(float) : format == Format::Bf16 ? sizeof(std::uint16_t) : 1;
  activations_.stride = row_stride(shape_.columns * width) / width;
  bytes_.resize(shape_.rows * activations_.stride * width);
  scales_.resize(shape_.rows * activations_.stride / kBlock);
  activations_.int8 = reinterpret_cast<std::int8_t*>(bytes_.data());
  activations_.bf16 = reinterpret_cast<std::uint16_t*>(bytes_.data());
  activations_.f32 = reinterpret_cast<float*>(bytes_.data());
  activations_.scales = scales_.data();
  for (std::size_t m = 0; m < shape_.rows; ++m) {
    const float* from = x_.data() + m * shape_.columns;
    const std::size_t at = m * activations_.stride;
    std::byte* to = bytes_.data() + at * width;
    if (format == Format::F32) {
      std::memcpy(to, from, shape_.columns * width);
    } else if (format == Format::Bf16) {
      kernels_.to_bf16(from, shape_.columns, reinterpret_cast<std::uint16_t*>(to));
    } else {
      kernels_.quantize(from, shape_.columns, reinterpret_cast<std::int8_t*>(to), scales_.data() + at / kBlock);
    }
  }
}

void SampleProduct::compute() {
  for (std::size_t panel = 0; panel < packed_->panels(); ++panel) {
    kernels_.multiply({.weights = *packed_, .index = panel}, activations_, 0, shape_.rows,
                      {.data = out_.data(), .stride = shape_.outputs});
  }
}

double SampleProduct::relative_error() const {
  double error = 0, size = 0;
  for (std::size_t m = 0; m < shape_.rows; ++m) {
    for (std::size_t n = 0; n < shape_.outputs; ++n) {
      const float *w = weights_.data() + n * shape_.columns, *x = x_.data() + m * shape_.columns;
      double parts[8] = {};  // side by side: one sum would wait for itself
      for (std::size_t k = 0; k < shape_.columns; ++k) parts[k % 8] += static_cast<double>(w[k]) * x[k];
      const double sum = std::accumulate(std::begin(parts), std::end(parts), 0.0);
      error += (sum - out_[m * shape_.outputs + n]) * (sum - out_[m * shape_.outputs + n]);
      size += sum * sum;
    }
  }
  return std::sqrt(error / size);
}

}  // namespace ggml_packed
