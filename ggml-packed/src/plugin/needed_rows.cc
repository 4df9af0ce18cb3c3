#include "plugin/needed_rows.h"

#include <ggml-backend.h>

#include <algorithm>
#include <ranges>
#include <unordered_set>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

bool is_in_host_memory(const ggml_tensor& t) {
  return t.data != nullptr && (t.buffer == nullptr || ggml_backend_buffer_is_host(t.buffer));
}

// Known before the graph is computed.
bool are_known_numbers(const ggml_tensor& t) {
  return t.op == GGML_OP_NONE && t.view_src == nullptr && t.type == GGML_TYPE_I32 && ggml_is_contiguous(&t) &&
         is_in_host_memory(t);
}

std::span<const std::int32_t> numbers(const ggml_tensor& t) {
  return {static_cast<const std::int32_t*>(t.data), static_cast<std::size_t>(ggml_nelements(&t))};
}

// Rows of float32 one after the other, of one axis: nothing lies beyond it.
bool has_rows_along(const ggml_tensor& t, int axis) {
  if (axis < 1 || axis >= GGML_MAX_DIMS || !is_dense_f32(t)) return false;
  for (int i = axis + 1; i < GGML_MAX_DIMS; ++i) {
    if (t.ne[i] != 1) return false;
  }
  return true;
}

bool picks_fewer(const ggml_tensor& node) {
  return node.op == GGML_OP_GET_ROWS && node.src[0]->op != GGML_OP_NONE && node.ne[1] < node.src[0]->ne[1] &&
         are_known_numbers(*node.src[1]);
}

bool is_pick_of_rows(const ggml_tensor& node) {
  const ggml_tensor& from = *node.src[0];
  if (node.op != GGML_OP_GET_ROWS || !has_rows_along(node, 1) || !has_rows_along(from, 1)) return false;
  return are_known_numbers(*node.src[1]) && ggml_nelements(node.src[1]) == node.ne[1] &&
         std::ranges::all_of(numbers(*node.src[1]), [&](std::int32_t i) { return i >= 0 && i < from.ne[1]; });
}

// The graph that ggml was given, not a part of it whose results another back end reads.
bool is_whole(std::span<ggml_tensor* const> nodes) {
  const std::unordered_set<const ggml_tensor*> known(nodes.begin(), nodes.end());
  return std::ranges::all_of(nodes, [&](const ggml_tensor* node) {
    return std::ranges::all_of(node->src, [&](const ggml_tensor* from) {
      return from == nullptr || from->op == GGML_OP_NONE || known.contains(from);
    });
  });
}

}  // namespace

int axis_below(const ggml_tensor& view, int axis) {
  const ggml_tensor& from = *view.src[0];
  const auto axis_where = [&](const auto& is_it) {
    for (int i = 0; i < GGML_MAX_DIMS; ++i) {
      if (is_it(i)) return i;
    }
    return -1;
  };
  const auto has_as_many = [&](int i) { return from.ne[i] == view.ne[axis] && has_rows_along(from, i); };
  switch (view.op) {
    case GGML_OP_RESHAPE:
      return has_rows_along(view, axis) ? axis_where(has_as_many) : -1;
    case GGML_OP_PERMUTE:  // op_params: where each axis goes
      return axis_where([&](int i) { return view.op_params[i] == axis; });
    case GGML_OP_VIEW: {  // a part of each row
      const auto offset =
          static_cast<std::size_t>(static_cast<const std::byte*>(view.data) - static_cast<const std::byte*>(from.data));
      return axis_where([&](int i) { return has_as_many(i) && from.nb[i] == view.nb[axis] && offset < from.nb[i]; });
    }
    default:
      return -1;
  }
}

RowsOfBase rows_of_base(const ggml_tensor& tensor, int axis) {
  const ggml_tensor* t = &tensor;
  while (axis >= 0 && is_view(*t)) {
    axis = axis_below(*t, axis);
    t = t->src[0];
  }
  return axis >= 0 && has_rows_along(*t, axis) ? RowsOfBase{.base = t, .axis = axis} : RowsOfBase{};
}

int RowsInUse::axis_of_operand(const ggml_tensor& node, std::size_t operand, int axis) {
  if (node.op == GGML_OP_FLASH_ATTN_EXT) return operand == 0 ? 1 : -1;
  if (node.op == GGML_OP_MUL_MAT) return operand == 1 ? 1 : -1;
  if (node.op == GGML_OP_ROPE) return operand == 0 ? axis : -1;
  return node.src[operand]->ne[axis] == node.ne[axis] ? axis : -1;
}

namespace {

// Is a row of what the node computes made of the same row of its operands alone, and all of each operand that has no
// rows?
bool works_by_rows(const ggml_tensor& node, int axis) {
  if (!has_rows_along(node, axis) || node.view_src != nullptr) return false;
  switch (node.op) {
    case GGML_OP_CONT:
      if (!ggml_are_same_shape(&node, node.src[0])) return false;
      break;
    case GGML_OP_NORM:
    case GGML_OP_RMS_NORM:
    case GGML_OP_ADD:
    case GGML_OP_SUB:
    case GGML_OP_MUL:
    case GGML_OP_DIV:
    case GGML_OP_SCALE:
    case GGML_OP_UNARY:
    case GGML_OP_GLU:
      for (std::size_t i = 0; i < GGML_MAX_SRC && node.src[i] != nullptr; ++i) {
        const std::int64_t rows = node.src[i]->ne[axis];
        if (rows != node.ne[axis] && rows != 1) return false;  // repeated
      }
      break;
    case GGML_OP_MUL_MAT:
      if (axis != 1 || node.src[0]->op != GGML_OP_NONE || !ggml_is_matrix(node.src[0])) return false;
      break;
    case GGML_OP_ROPE:
      if (axis != 2 || !are_known_numbers(*node.src[1]) || node.src[1]->ne[0] != node.ne[2]) return false;
      break;
    case GGML_OP_FLASH_ATTN_EXT:
      if (axis != 2 || node.src[3] == nullptr) return false;
      break;
    default:
      return false;
  }
  for (std::size_t i = 0; i < GGML_MAX_SRC && node.src[i] != nullptr; ++i) {
    const int there = RowsInUse::axis_of_operand(node, i, axis);
    if (there >= 0 && rows_of_base(*node.src[i], there).base == nullptr) return false;
  }
  return true;
}

}  // namespace

RowsInUse::RowsInUse(std::span<ggml_tensor* const> nodes, Reads reads) {
  if (reads == Reads::Everything || std::ranges::none_of(nodes, [](const auto* node) { return picks_fewer(*node); }) ||
      !is_whole(nodes)) {
    return;
  }
  for (ggml_tensor* node : nodes | std::views::reverse) {
    if (!only_names_memory(*node)) {
      visit(*node, reads);
    } else if ((node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0) {
      need_whole(*node);
    }
  }
}

void RowsInUse::visit(ggml_tensor& node, Reads reads) {
  const Demand demand = demands_[&node];
  const bool is_output = (node.flags & GGML_TENSOR_FLAG_OUTPUT) != 0 && reads != Reads::Pooled;
  const NeededRows* some = !demand.whole && !is_output && demand.some.rows != nullptr ? &demand.some : nullptr;
  if (is_pick_of_rows(node)) return visit_pick(node, some);
  if (some != nullptr && !works_by_rows(node, some->axis)) some = nullptr;
  if (some != nullptr) trimmed_[&node] = *some;
  for (std::size_t i = 0; i < GGML_MAX_SRC; ++i) {
    if (node.src[i] == nullptr) continue;
    const int axis = some != nullptr ? axis_of_operand(node, i, some->axis) : -1;
    if (axis < 0) {
      need_whole(*node.src[i]);
    } else {
      need(*node.src[i], {.rows = some->rows, .axis = axis});
    }
  }
  if (node.view_src != nullptr) need_whole(*node.view_src);  // it is written there
}

void RowsInUse::visit_pick(ggml_tensor& node, const NeededRows* needed) {
  if (needed != nullptr) trimmed_[&node] = *needed;
  const Rows* rows = composed(*node.src[1], needed != nullptr ? needed->rows : nullptr);
  picked_[&node] = rows;
  if (rows->size() < static_cast<std::size_t>(node.src[0]->ne[1])) {
    need(*node.src[0], {.rows = rows, .axis = 1});
  } else {
    need_whole(*node.src[0]);
  }
}

void RowsInUse::need_whole(const ggml_tensor& operand) {
  const ggml_tensor* t = &operand;
  while (is_view(*t)) t = t->src[0];
  demands_[t].whole = true;
}

void RowsInUse::need(const ggml_tensor& operand, const NeededRows& needed) {
  const RowsOfBase rows = rows_of_base(operand, needed.axis);
  if (rows.base == nullptr) return need_whole(operand);
  Demand& demand = demands_[rows.base];
  const bool other = demand.some.rows != nullptr && (demand.some.rows != needed.rows || demand.some.axis != rows.axis);
  if (other) demand.whole = true;
  demand.some = {.rows = needed.rows, .axis = rows.axis};
}

const Rows* RowsInUse::composed(const ggml_tensor& indices, const Rows* of) {
  std::unique_ptr<Rows>& rows = rows_[{&indices, of}];
  if (!rows) {
    const auto all = numbers(indices);
    rows = std::make_unique<Rows>(all.begin(), all.end());
    if (of != nullptr) {
      rows->clear();
      for (const std::int32_t i : *of) rows->push_back(all[static_cast<std::size_t>(i)]);
    }
  }
  return rows.get();
}

const NeededRows* RowsInUse::trimmed(const ggml_tensor& node) const {
  const auto found = trimmed_.find(&node);
  return found == trimmed_.end() ? nullptr : &found->second;
}

const Rows* RowsInUse::picked(const ggml_tensor& node) const {
  const auto found = picked_.find(&node);
  return found == picked_.end() ? nullptr : found->second;
}

}  // namespace ggml_packed
