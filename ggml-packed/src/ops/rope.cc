#include "ops/rope.h"

#include <cmath>
#include <cstring>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// Places in op_params.
//
// Source   ggml.h, ggml_rope_set_offset; ggml.c, which puts it there.
constexpr std::size_t kMode = 2, kOffset = 15;

}  // namespace

bool Rope::takes(const ggml_tensor& node) {
  if (node.op != GGML_OP_ROPE || !is_dense_f32(node)) return false;
  const ggml_tensor &x = *node.src[0], *factors = node.src[2];
  const int dimensions = rope_parameters(node).dimensions;
  const std::int64_t offset = node.op_params[kOffset];
  if (dimensions <= 0 || dimensions % 2 != 0 || offset < 0 || offset + dimensions > x.ne[0]) return false;
  if (factors != nullptr && (!is_dense_f32(*factors) || factors->ne[0] < dimensions / 2)) return false;
  const bool known = node.op_params[kMode] == GGML_ROPE_TYPE_NEOX || node.op_params[kMode] == GGML_ROPE_TYPE_NORMAL;
  return known && x.ne[3] == 1 && has_f32_rows(x) && node.src[1]->type == GGML_TYPE_I32 &&
         node.src[1]->ne[0] == x.ne[2] && can_write_over(node, x);
}

const Rope::Angles& Rope::angles_of(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor *positions = node.src[1], *factors = node.src[2];
  const RopeParameters parameters = rope_parameters(node);
  for (std::size_t i = 0; i < used_; ++i) {
    const Angles& known = angles_[i];
    if (known.positions == positions && known.factors == factors && known.parameters == parameters) return known;
  }
  if (used_ == angles_.size()) angles_.emplace_back();
  Angles& angles = angles_[used_];
  angles.positions = positions;
  angles.factors = factors;
  angles.parameters = parameters;
  const auto half = static_cast<std::size_t>(parameters.dimensions / 2), count = static_cast<std::size_t>(node.ne[2]);
  angles.cosines.resize(half * count);
  angles.sines.resize(half * count);
  const RopeFrequencies frequencies = rope_frequencies(parameters, factors != nullptr ? floats(*factors) : nullptr);
  const auto* at_position = static_cast<const std::int32_t*>(positions->data);
  team.for_ranges(count, 16, [&](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin * half; at < end * half; ++at) {
      const std::int32_t position = at_position[at / half];
      const double angle = position * frequencies.angles[at % half];
      angles.cosines[at] = static_cast<float>(std::cos(angle)) * frequencies.magnitude;
      angles.sines[at] = static_cast<float>(std::sin(angle)) * frequencies.magnitude;
    }
  });
  ++used_;
  return angles;
}

void Rope::compute(const ggml_tensor& node, ThreadTeam& team) {
  const Angles& angles = angles_of(node, team);
  const ggml_tensor& x = *node.src[0];
  const auto half = static_cast<std::size_t>(angles.parameters.dimensions / 2);
  const auto width = static_cast<std::size_t>(node.ne[0]), heads = static_cast<std::size_t>(node.ne[1]);
  const auto first = static_cast<std::size_t>(node.op_params[kOffset]), last = first + 2 * half;
  const auto rotate = node.op_params[kMode] == GGML_ROPE_TYPE_NEOX ? rows_.rotate_halves : rows_.rotate_pairs;
  team.for_ranges(static_cast<std::size_t>(node.ne[2]), 8, [&](std::size_t begin, std::size_t end) {
    RowWalk row(x, begin * heads);
    float* to = floats(node) + begin * heads * width;
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t head = 0; head < heads; ++head, ++row, to += width) {
        const auto* from = reinterpret_cast<const float*>(*row);
        rotate(from + first, half, angles.cosines.data() + t * half, angles.sines.data() + t * half, to + first);
        if (to == from) continue;
        if (first > 0) std::memcpy(to, from, first * sizeof(float));
        if (last < width) std::memcpy(to + last, from + last, (width - last) * sizeof(float));
      }
    }
  });
}

}  // namespace ggml_packed
