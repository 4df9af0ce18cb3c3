#include "matmul.h"

#include <ggml-backend.h>

#include <algorithm>

#include "tensor.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kRowsAtOnce = 512;  // of activations, that stay in the cache of a core

}  // namespace

bool Matmul::takes(const ggml_tensor& node) const {
  if (node.op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor& weights = *node.src[0];
  const ggml_tensor& activations = *node.src[1];
  const bool is_weight = weights.op == GGML_OP_NONE && weights.buffer != nullptr &&
                         ggml_backend_buffer_get_usage(weights.buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS &&
                         ggml_backend_buffer_is_host(weights.buffer);
  if (!is_weight || !ggml_is_matrix(&weights) || !ggml_is_contiguous(&weights)) return false;
  const auto format = format_for(weights.type, kernels_);
  if (!format ||
      ((*format == Format::Int8 || *format == Format::Int4) && weights.ne[0] % static_cast<std::int64_t>(kBlock) != 0))
    return false;
  return has_f32_rows(activations) && ggml_is_matrix(&activations) && is_dense_f32(node);
}

const Activations& Matmul::prepare(const ggml_tensor& activations, Format format, ThreadTeam& team) {
  if (format == Format::Int4) format = Format::Int8;  // the same activations
  if (prepared_from_ == &activations && prepared_format_ == format) return prepared_;
  const auto rows = static_cast<std::size_t>(activations.ne[1]);
  const auto columns = static_cast<std::size_t>(activations.ne[0]);
  const auto row = [&](std::size_t m) {
    return reinterpret_cast<const float*>(static_cast<const std::byte*>(activations.data) + m * activations.nb[1]);
  };
  prepared_ = {};
  prepared_from_ = &activations;
  prepared_format_ = format;
  switch (format) {
    case Format::Int4:
    case Format::Int8: {
      const std::size_t blocks = columns / kBlock;
      int8_.resize(std::max(int8_.size(), rows * columns));
      scales_.resize(std::max(scales_.size(), rows * blocks));
      team.for_ranges(rows, 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t m = begin; m < end; ++m) {
          kernels_.quantize(row(m), columns, int8_.data() + m * columns, scales_.data() + m * blocks);
        }
      });
      prepared_.int8 = int8_.data();
      prepared_.scales = scales_.data();
      prepared_.stride = columns;
      break;
    }
    case Format::Bf16: {
      const std::size_t stride = (columns + 1) / 2 * 2;
      bf16_.resize(std::max(bf16_.size(), rows * stride));
      team.for_ranges(rows, 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t m = begin; m < end; ++m) kernels_.to_bf16(row(m), columns, bf16_.data() + m * stride);
      });
      prepared_.bf16 = bf16_.data();
      prepared_.stride = stride;
      break;
    }
    case Format::F32:
      // A copy: what is fused with the product may be stored where the activations lie.
      f32_.resize(std::max(f32_.size(), rows * columns));
      for (std::size_t m = 0; m < rows; ++m) std::copy_n(row(m), columns, f32_.data() + m * columns);
      prepared_.f32 = f32_.data();
      prepared_.stride = columns;
      break;
  }
  return prepared_;
}

bool Matmul::compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue, ThreadTeam& team) {
  const ggml_tensor& weights = *node.src[0];
  const Format format = *format_for(weights.type, kernels_);
  const PackedMatrix* packed = weights_.find_or_pack(weights, format, kernels_.panel_rows, kernels_.int8_sign, team);
  if (packed == nullptr) return false;
  const Activations& activations = prepare(*node.src[1], format, team);
  const auto rows = static_cast<std::size_t>(node.ne[1]);
  const Output output{.data = floats(result), .stride = packed->rows(), .epilogue = epilogue};
  const std::size_t groups = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  const std::size_t group_rows = (rows + groups - 1) / groups;
  team.for_each(groups * packed->panels(), [&](std::size_t i) {
    const std::size_t begin = i / packed->panels() * group_rows;
    kernels_.multiply(*packed, i % packed->panels(), activations, begin, std::min(rows, begin + group_rows), output);
  });
  return true;
}

}  // namespace ggml_packed
