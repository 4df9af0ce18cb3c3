#include "plugin/trimmed_graph.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// As ggml lays out a tensor without gaps.
void lay_out(ggml_tensor& t) {
  t.nb[0] = ggml_type_size(t.type);
  t.nb[1] = ggml_row_size(t.type, t.ne[0]);
  for (int i = 2; i < GGML_MAX_DIMS; ++i) t.nb[i] = t.nb[i - 1] * static_cast<std::size_t>(t.ne[i - 1]);
}

}  // namespace

TrimmedGraph::TrimmedGraph(ggml_cgraph* graph, Reads reads) {
  const std::span all(ggml_graph_nodes(graph), static_cast<std::size_t>(ggml_graph_n_nodes(graph)));
  rows_ = std::make_unique<RowsInUse>(all, reads);
  nodes_.reserve(all.size());
  for (ggml_tensor* node : all) {
    const NeededRows* needed = rows_->any() ? rows_->trimmed(*node) : nullptr;
    ggml_tensor* computed = needed != nullptr ? trim(*node, *needed) : rows_->any() ? pick_from_trimmed(*node) : node;
    nodes_.push_back(computed != nullptr ? computed : node);
  }
}

ggml_tensor* TrimmedGraph::trim(const ggml_tensor& node, const NeededRows& needed) {
  ggml_tensor* trimmed = copy_of(node);
  trimmed->ne[needed.axis] = static_cast<std::int64_t>(needed.rows->size());
  lay_out(*trimmed);
  trimmed_[&node] = trimmed;
  if (const Rows* rows = rows_->picked(node)) {
    const bool all = static_cast<std::size_t>(node.src[0]->ne[1]) == rows->size();
    trimmed->src[0] = all ? node.src[0] : operand(*node.src[0], {.rows = rows, .axis = 1});
    Rows numbers = *rows;
    if (!all) std::ranges::iota(numbers, 0);
    trimmed->src[1] = as_numbers(*node.src[1], std::move(numbers));
    return trimmed;
  }
  for (std::size_t i = 0; i < GGML_MAX_SRC; ++i) {
    if (node.src[i] == nullptr) continue;
    const int axis = RowsInUse::axis_of_operand(node, i, needed.axis);
    if (axis >= 0) trimmed->src[i] = operand(*node.src[i], {.rows = needed.rows, .axis = axis});
  }
  if (node.op == GGML_OP_ROPE) {
    Rows positions;
    for (const std::int32_t row : *needed.rows)
      positions.push_back(static_cast<const std::int32_t*>(node.src[1]->data)[row]);
    trimmed->src[1] = as_numbers(*node.src[1], std::move(positions));
  }
  if (node.op == GGML_OP_FLASH_ATTN_EXT) queries_[trimmed] = {.rows = needed.rows, .of = node.ne[2]};
  return trimmed;
}

// A pick of which all is needed, from a node that has computed nothing else; nullptr: it is as it was.
ggml_tensor* TrimmedGraph::pick_from_trimmed(const ggml_tensor& node) {
  const Rows* rows = rows_->picked(node);
  if (rows == nullptr) return nullptr;
  const RowsOfBase from = rows_of_base(*node.src[0], 1);
  const NeededRows* computed = from.base != nullptr ? rows_->trimmed(*from.base) : nullptr;
  if (computed == nullptr || computed->rows != rows) return nullptr;
  ggml_tensor* pick = copy_of(node);
  pick->src[0] = operand(*node.src[0], {.rows = rows, .axis = 1});
  Rows numbers(rows->size());
  std::ranges::iota(numbers, 0);
  pick->src[1] = as_numbers(*node.src[1], std::move(numbers));
  trimmed_[&node] = pick;
  return pick;
}

ggml_tensor* TrimmedGraph::operand(ggml_tensor& whole, const NeededRows& needed) {
  if (!is_view(whole)) {
    const NeededRows* computed = rows_->trimmed(whole);
    return computed != nullptr && computed->rows == needed.rows ? trimmed_.at(&whole) : gathered(whole, needed);
  }
  // A view of what is trimmed is the same view with fewer rows.
  ggml_tensor& from = *whole.src[0];
  const int axis = axis_below(whole, needed.axis);
  ggml_tensor* view = copy_of(whole);
  view->src[0] = operand(from, {.rows = needed.rows, .axis = axis});
  view->view_src = view->src[0]->view_src != nullptr ? view->src[0]->view_src : view->src[0];
  view->buffer = view->src[0]->buffer;
  view->data = static_cast<std::byte*>(view->src[0]->data) +
               (static_cast<std::byte*>(whole.data) - static_cast<std::byte*>(from.data));
  view->ne[needed.axis] = static_cast<std::int64_t>(needed.rows->size());
  if (whole.op == GGML_OP_RESHAPE) lay_out(*view);
  return view;
}

ggml_tensor* TrimmedGraph::gathered(ggml_tensor& whole, const NeededRows& needed) {
  ggml_tensor*& gather = gathered_[{&whole, needed.rows}];
  if (gather != nullptr) return gather;
  // Rows of a matrix, whatever a row is made of.
  ggml_tensor* matrix = copy_of(whole);
  matrix->ne[0] = ggml_nelements(&whole) / whole.ne[needed.axis];
  matrix->ne[1] = whole.ne[needed.axis];
  matrix->ne[2] = matrix->ne[3] = 1;
  lay_out(*matrix);
  matrix->op = GGML_OP_RESHAPE;
  std::ranges::fill(matrix->src, nullptr);
  matrix->src[0] = matrix->view_src = &whole;
  ggml_tensor* picked = copy_of(*matrix);
  picked->op = GGML_OP_GET_ROWS;
  picked->flags = GGML_TENSOR_FLAG_COMPUTE;
  picked->ne[1] = static_cast<std::int64_t>(needed.rows->size());
  picked->view_src = nullptr;
  picked->data = memory_.emplace_back(static_cast<std::size_t>(ggml_nelements(picked)) * sizeof(float)).data();
  picked->src[0] = matrix;
  picked->src[1] = as_numbers(*picked, *needed.rows);
  nodes_.push_back(picked);
  // As it was, with fewer rows.
  gather = copy_of(whole);
  gather->ne[needed.axis] = picked->ne[1];
  lay_out(*gather);
  gather->data = picked->data;
  return gather;
}

ggml_tensor* TrimmedGraph::as_numbers(const ggml_tensor& like, Rows numbers) {
  ggml_tensor* t = copy_of(like);
  Rows& kept = numbers_.emplace_back(std::move(numbers));
  *t = {};
  t->type = GGML_TYPE_I32;
  t->buffer = like.buffer;
  std::ranges::fill(t->ne, 1);
  t->ne[0] = static_cast<std::int64_t>(kept.size());
  lay_out(*t);
  t->data = kept.data();
  return t;
}

const SomeQueries* TrimmedGraph::queries(const ggml_tensor& node) const {
  const auto found = queries_.find(&node);
  return found == queries_.end() ? nullptr : &found->second;
}

ggml_tensor* TrimmedGraph::with_own_mask(const ggml_tensor& node) {
  const Rows& rows = *queries_.at(&node).rows;
  const ggml_tensor& all = *node.src[3];
  const std::size_t row_bytes = all.nb[0] * static_cast<std::size_t>(all.ne[0]);
  std::vector<std::byte>& memory = memory_.emplace_back(row_bytes * rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(memory.data() + i * row_bytes,
                static_cast<const std::byte*>(all.data) + static_cast<std::size_t>(rows[i]) * all.nb[1], row_bytes);
  }
  ggml_tensor* mask = copy_of(all);
  mask->ne[1] = static_cast<std::int64_t>(rows.size());
  lay_out(*mask);
  mask->data = memory.data();
  ggml_tensor* with_mask = copy_of(node);
  with_mask->src[3] = mask;
  return with_mask;
}

}  // namespace ggml_packed
