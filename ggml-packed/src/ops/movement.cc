#include "ops/movement.h"

#include <ggml-backend.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kRowsOfCopy = 32;

std::byte* row(const ggml_tensor& t, std::size_t index) {
  const auto n1 = static_cast<std::size_t>(t.ne[1]), n2 = static_cast<std::size_t>(t.ne[2]);
  return static_cast<std::byte*>(t.data) + index % n1 * t.nb[1] + index / n1 % n2 * t.nb[2] + index / n1 / n2 * t.nb[3];
}
std::size_t row_count(const ggml_tensor& t) { return static_cast<std::size_t>(ggml_nrows(&t)); }

bool stores_rows(const ggml_tensor& node) {
  const ggml_tensor &from = *node.src[0], &places = *node.src[1];
  return node.type == GGML_TYPE_F16 && node.nb[0] == 2 && ggml_is_matrix(&node) && has_f32_rows(from) &&
         ggml_is_matrix(&from) && places.type == GGML_TYPE_I64 && ggml_is_contiguous(&places) &&
         ggml_nelements(&places) == from.ne[1];
}
bool halves(const ggml_tensor& node) {
  return node.type == GGML_TYPE_F16 && ggml_is_contiguous(&node) && has_f32_rows(*node.src[0]) &&
         ggml_are_same_shape(&node, node.src[0]);
}
bool transposes(const ggml_tensor& node) {
  const ggml_tensor& from = *node.src[0];
  return is_dense_f32(node) && ggml_is_matrix(&node) && from.type == GGML_TYPE_F32 &&
         ggml_are_same_shape(&node, &from) && from.nb[1] == sizeof(float) && from.nb[0] % sizeof(float) == 0;
}
bool picks_rows(const ggml_tensor& node) {
  const ggml_tensor &from = *node.src[0], &places = *node.src[1];
  const bool readable = from.type == GGML_TYPE_F32 || ggml_get_type_traits(from.type)->to_float != nullptr;
  return is_dense_f32(node) && readable && from.nb[0] == ggml_type_size(from.type) && ggml_is_matrix(&from) &&
         from.buffer != nullptr && ggml_backend_buffer_is_host(from.buffer) && places.type == GGML_TYPE_I32 &&
         ggml_is_contiguous(&places) && ggml_nelements(&places) == node.ne[1] && ggml_is_matrix(&node) &&
         !overlap(node, from);
}
// op_params: zeros before and after each dimension, and whether they are the values from the other end instead.
bool pads_after(const ggml_tensor& node) {
  const ggml_tensor& from = *node.src[0];
  const bool before =
      node.op_params[0] != 0 || node.op_params[2] != 0 || node.op_params[4] != 0 || node.op_params[6] != 0;
  return is_dense_f32(node) && has_f32_rows(from) && node.ne[0] == from.ne[0] && !before && node.op_params[8] == 0;
}

void transpose(const ggml_tensor& node, ThreadTeam& team) {
  constexpr std::size_t kBlockSize = 16;
  const ggml_tensor& from = *node.src[0];
  const auto columns = static_cast<std::size_t>(node.ne[0]), rows = static_cast<std::size_t>(node.ne[1]);
  const auto* x = floats(from);
  const std::size_t stride = from.nb[0] / sizeof(float);
  team.for_each_at_home((rows + kBlockSize - 1) / kBlockSize, [&](std::size_t block) {
    const std::size_t begin = block * kBlockSize, end = std::min(rows, begin + kBlockSize);
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t r = begin; r < end; ++r) floats(node)[r * columns + c] = x[c * stride + r];
    }
  });
}

void pick_rows(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor& from = *node.src[0];
  const auto* places = static_cast<const std::int32_t*>(node.src[1]->data);
  const auto to_float = ggml_get_type_traits(from.type)->to_float;
  team.for_ranges(row_count(node), kRowsOfCopy, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      GGML_ASSERT(places[i] >= 0 && places[i] < from.ne[1]);  // as ggml does
      const std::byte* picked = row(from, static_cast<std::size_t>(places[i]));
      auto* out = reinterpret_cast<float*>(row(node, i));
      if (from.type == GGML_TYPE_F32) {
        std::memcpy(out, picked, static_cast<std::size_t>(node.ne[0]) * sizeof(float));
      } else {
        to_float(picked, out, node.ne[0]);
      }
    }
  });
}

void pad(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor& from = *node.src[0];
  const std::size_t row_bytes = static_cast<std::size_t>(node.ne[0]) * sizeof(float);
  const auto n1 = static_cast<std::size_t>(node.ne[1]), n2 = static_cast<std::size_t>(node.ne[2]);
  team.for_ranges(row_count(node), kRowsOfCopy, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const auto i1 = i % n1, i2 = i / n1 % n2, i3 = i / n1 / n2;
      const bool inside =
          std::cmp_less(i1, from.ne[1]) && std::cmp_less(i2, from.ne[2]) && std::cmp_less(i3, from.ne[3]);
      if (inside) {
        std::memcpy(row(node, i),
                    static_cast<const std::byte*>(from.data) + i1 * from.nb[1] + i2 * from.nb[2] + i3 * from.nb[3],
                    row_bytes);
      } else {
        std::memset(row(node, i), 0, row_bytes);
      }
    }
  });
}

}  // namespace

bool only_moves(const ggml_tensor& node) {
  switch (node.op) {
    case GGML_OP_GET_ROWS:
      return picks_rows(node);
    case GGML_OP_SET_ROWS:
      return stores_rows(node);
    case GGML_OP_CPY:
      return halves(node);
    case GGML_OP_CONT:
      return halves(node) || transposes(node);
    case GGML_OP_PAD:
      return pads_after(node);
    default:
      return false;
  }
}

void move_values(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team) {
  if (node.op == GGML_OP_GET_ROWS) return pick_rows(node, team);
  if (node.op == GGML_OP_PAD) return pad(node, team);
  if (node.op == GGML_OP_CONT && !halves(node)) return transpose(node, team);
  const ggml_tensor& from = *node.src[0];
  const auto* places = node.op == GGML_OP_SET_ROWS ? static_cast<const std::int64_t*>(node.src[1]->data) : nullptr;
  const auto width = static_cast<std::size_t>(node.ne[0]);
  team.for_ranges(row_count(from), kRowsOfCopy, [&](std::size_t begin, std::size_t end) {
    RowWalk read(from, begin), write(node, places != nullptr ? 0 : begin);
    for (std::size_t i = begin; i < end; ++i, ++read, ++write) {
      std::byte* to = places != nullptr ? row(node, static_cast<std::size_t>(places[i])) : *write;
      rows.to_f16(reinterpret_cast<const float*>(*read), width, reinterpret_cast<std::uint16_t*>(to));
    }
  });
}

}  // namespace ggml_packed
