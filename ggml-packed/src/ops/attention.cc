#include "ops/attention.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>

#include "format/weight_format.h"
#include "kernels/scratch.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// Places in op_params.
//
// Source   ggml.h, ggml_flash_attn_ext, the last three arguments in their order.
constexpr std::size_t kLogitScale = 0, kMaxBias = 1, kSoftCap = 2;

constexpr std::size_t kQueriesOfTask = 256;  // that pay for packing the text once more

// Positions of a text whose attention may be rounded: with fewer there is little to gain, and what is lost shows more.
// llama-embedding knows the number too (shared_prefix.h, kRoundedLength): texts on its two sides share no beginning.
constexpr std::size_t kRoundedFrom = 256;

thread_local Scratch scratch;

// Rows of a text's keys or values of one head, in float16.
struct HalfRows {
  const std::uint16_t* first;
  std::size_t stride;  // values
};

// The first rows of a text: where they are; of a text with a shared beginning, copied one after the other.
HalfRows rows_of(const ggml_tensor& tensor, std::size_t head, const MaskedText& text, std::size_t positions,
                 std::uint16_t* copy) {
  const auto row = [&](std::size_t position) {
    return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(tensor.data) + head * tensor.nb[2] +
                                                  position * tensor.nb[1]);
  };
  if (text.shared == 0) return {row(text.first_position), tensor.nb[1] / 2};
  const auto width = static_cast<std::size_t>(tensor.ne[0]);
  for (std::size_t i = 0; i < positions; ++i) {
    const std::size_t position = i < text.shared ? text.first_shared + i : text.first_position + i - text.shared;
    std::copy_n(row(position), width, copy + i * width);
  }
  return {copy, width};
}

// How steeply a head's scores fall with distance: powers of two in geometric order, and for heads beyond a power of two
// those between them. 1 where the largest exponent is 0: no ALiBi.
//
// Source   Press, Smith, Lewis: Train Short, Test Long (ALiBi), section 3.
float slope_of(const ggml_tensor& node, std::size_t head) {
  const float max_bias = float_parameter(node, kMaxBias);
  if (max_bias == 0.0F) return 1;
  const auto power = static_cast<float>(std::bit_floor(static_cast<std::size_t>(node.src[0]->ne[2])));
  const auto at = static_cast<float>(head);
  return at < power ? std::exp2(-max_bias / power * (at + 1))
                    : std::exp2(-max_bias / 2 / power * (2 * (at - power) + 1));
}

}  // namespace

bool Attention::takes(const ggml_tensor& node) const {
  if (node.op != GGML_OP_FLASH_ATTN_EXT || !is_dense_f32(node)) return false;
  const ggml_tensor *q = node.src[0], *k = node.src[1], *v = node.src[2], *mask = node.src[3];
  // A scale to divide by, no sinks.
  const bool plain =
      float_parameter(node, kLogitScale) > 0.0F && float_parameter(node, kSoftCap) >= 0.0F && node.src[4] == nullptr;
  if (!plain || mask == nullptr || mask->type != GGML_TYPE_F16 || mask->nb[0] != 2 || mask->ne[2] != 1 ||
      mask->ne[3] != 1) {
    return false;
  }
  if (q->type != GGML_TYPE_F32 || k->type != GGML_TYPE_F16 || v->type != GGML_TYPE_F16) return false;
  if (q->ne[3] != 1 || k->ne[3] != 1 || v->ne[3] != 1 || q->nb[0] != 4 || k->nb[0] != 2 || v->nb[0] != 2) return false;
  return k->ne[2] == v->ne[2] && q->ne[2] % k->ne[2] == 0 && q->ne[0] == k->ne[0] && k->ne[1] == v->ne[1] &&
         mask->ne[0] == k->ne[1] && mask->ne[1] >= q->ne[1];
}

// Layers share masks: there are two at most, with sliding windows and without.
const MaskView& Attention::view_of(const ggml_tensor& mask, std::size_t queries, std::size_t positions,
                                   ThreadTeam& team) {
  const auto found = std::ranges::find_if(
      masks_, [&](const KnownMask& known) { return known.mask == &mask && known.queries == queries; });
  if (found != masks_.end()) return *found->view;
  return *masks_.emplace_back(&mask, queries, std::make_unique<MaskView>(mask, queries, positions, team)).view;
}

bool Attention::compute(const ggml_tensor& node, const SomeQueries* some, ThreadTeam& team) {
  const std::int64_t queries = some != nullptr ? some->of : node.src[0]->ne[1];
  const MaskView& view =
      view_of(*node.src[3], static_cast<std::size_t>(queries), static_cast<std::size_t>(node.src[1]->ne[1]), team);
  switch (view.kind()) {
    case MaskView::Kind::TextsSideBySide:
      return attend_texts(node, view, some, team);
    case MaskView::Kind::Scattered:
      return attend_tokens(node, view, some, team);
    case MaskView::Kind::Other:
      break;
  }
  return false;
}

Precision Attention::precision_of(const ggml_tensor& node) const {
  if (!attention_.has_bf16) return Precision::F32;
  constexpr int kFarthest = 16;  // rotation, norm, bias, views
  const ggml_tensor* from = node.src[0];
  for (int i = 0; i < kFarthest && from != nullptr && from->op != GGML_OP_MUL_MAT; ++i) from = from->src[0];
  if (from == nullptr || from->op != GGML_OP_MUL_MAT) return Precision::F32;
  return format_for(from->src[0]->type, kernels_) == Format::F32 ? Precision::F32 : Precision::Bf16;
}

std::vector<Attention::Task> Attention::tasks_of(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                                                 std::size_t threads) const {
  const auto heads = static_cast<std::size_t>(node.src[1]->ne[2]);
  std::vector<Task> tasks;
  const auto add = [&](const MaskedText& text, std::size_t first_query, std::size_t queries, std::size_t first_row) {
    for (std::size_t head = 0; head < heads; ++head) tasks.push_back({&text, head, first_query, queries, first_row});
  };
  if (some != nullptr) {
    for (std::size_t i = 0; i < some->rows->size(); ++i) {
      const auto query = static_cast<std::size_t>((*some->rows)[i]);
      const auto after = std::ranges::upper_bound(view.texts(), query, {}, &MaskedText::first_query);
      add(*std::prev(after), query, 1, i);
    }
    return tasks;
  }
  // Few heads and few texts: their queries are shared out as well.
  const bool split = view.texts().size() * heads < threads * 4;
  for (const MaskedText& text : view.texts()) {
    const std::size_t size = split ? kQueriesOfTask : text.queries;
    for (std::size_t begin = 0; begin < text.queries; begin += size) {
      const std::size_t first = text.first_query + begin;
      add(text, first, std::min(size, text.queries - begin), first);
    }
  }
  return tasks;
}

bool Attention::attend_texts(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                             ThreadTeam& team) const {
  const ggml_tensor &q = *node.src[0], &k = *node.src[1], &v = *node.src[2], &mask = *node.src[3];
  const auto queries_per_key = static_cast<std::size_t>(q.ne[2] / k.ne[2]);
  std::vector<Task> tasks = tasks_of(node, view, some, static_cast<std::size_t>(team.threads()));
  // The longest first: no thread is left with a long one at the end.
  std::ranges::stable_sort(tasks, std::greater<>(), [](const Task& task) { return task.text->length(); });

  const std::size_t panel = kernels_.panel_rows;
  const Precision long_texts = precision_of(node);
  const auto up = [&](std::size_t count) { return (count + panel - 1) / panel * panel; };
  std::atomic<bool> out_of_memory = false;
  team.for_each(tasks.size(), [&](std::size_t i) {
    const Task& task = tasks[i];
    const Precision precision = task.text->length() < kRoundedFrom ? Precision::F32 : long_texts;
    const Visible* visible = view.visible().data() + task.first_query;
    const auto positions = static_cast<std::size_t>(visible[task.queries - 1].end);  // the last query sees furthest
    const auto key_width = static_cast<std::size_t>(k.ne[0]), value_width = static_cast<std::size_t>(v.ne[0]);
    const std::size_t key_floats = up(positions) * steps(precision, key_width);
    const std::size_t value_floats = up(value_width) * steps(precision, positions);
    const std::size_t query_floats = up(attention_.max_rows * steps(precision, key_width));
    const std::size_t score_floats = attention_.max_rows * up(positions);
    const std::size_t copied_floats = task.text->shared == 0 ? 0 : positions * (key_width + value_width) / 2 + 1;
    float* memory = scratch.floats(key_floats + value_floats + query_floats + score_floats + copied_floats);
    if (memory == nullptr) {
      out_of_memory = true;
      return;
    }
    const PackedText text{.precision = precision,
                          .keys = memory,
                          .values = memory + key_floats,
                          .positions = positions,
                          .key_width = key_width,
                          .value_width = value_width};
    const auto* bias = !view.has_numbers()
                           ? nullptr
                           : reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(mask.data) +
                                                                    task.first_query * mask.nb[1]) +
                                 task.text->first_position;
    auto* copy = reinterpret_cast<std::uint16_t*>(memory + key_floats + value_floats + query_floats + score_floats);
    const HalfRows keys = rows_of(k, task.head, *task.text, positions, copy);
    const HalfRows values = rows_of(v, task.head, *task.text, positions, copy + positions * key_width);
    attention_.pack(keys.first, keys.stride, values.first, values.stride, text);
    for (std::size_t j = 0; j < queries_per_key; ++j) {
      const std::size_t head = task.head * queries_per_key + j;
      QueryBlock block{.queries = reinterpret_cast<const float*>(static_cast<const std::byte*>(q.data) +
                                                                 head * q.nb[2] + task.first_row * q.nb[1]),
                       .stride = q.nb[1] / sizeof(float),
                       .rows = task.queries,
                       .visible = visible,
                       .scale = float_parameter(node, kLogitScale),
                       .cap = float_parameter(node, kSoftCap),
                       .bias = bias,
                       .bias_stride = mask.nb[1] / 2,
                       .slope = slope_of(node, head),
                       .scores = memory + key_floats + value_floats + query_floats,
                       .rounded = memory + key_floats + value_floats,
                       .out = floats(node) + (task.first_row * static_cast<std::size_t>(q.ne[2]) + head) * value_width,
                       .out_stride = static_cast<std::size_t>(q.ne[2]) * value_width};
      attention_.attend(text, block);
    }
  });
  return !out_of_memory;
}

bool Attention::attend_tokens(const ggml_tensor& node, const MaskView& view, const SomeQueries* some,
                              ThreadTeam& team) const {
  const ggml_tensor &q = *node.src[0], &k = *node.src[1], &v = *node.src[2];
  const auto queries = static_cast<std::size_t>(q.ne[1]), heads = static_cast<std::size_t>(k.ne[2]);
  const auto queries_per_key = static_cast<std::size_t>(q.ne[2] / k.ne[2]),
             value_width = static_cast<std::size_t>(v.ne[0]);
  std::atomic<bool> out_of_memory = false;
  team.for_each(queries * heads, [&](std::size_t i) {
    const std::size_t row = i / heads, head = i % heads;
    const std::size_t query = some != nullptr ? static_cast<std::size_t>((*some->rows)[row]) : row;
    const std::size_t first = query == 0 ? 0 : view.cells_end()[query - 1];
    const std::size_t count = view.cells_end()[query] - first;
    float* scores = scratch.floats(count + 16);
    if (scores == nullptr) {
      out_of_memory = true;
      return;
    }
    const auto rows = [&](const ggml_tensor& t) {
      return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(t.data) + head * t.nb[2]);
    };
    const std::size_t first_head = head * queries_per_key;
    attention_.attend_alone(
        {.keys = rows(k),
         .key_stride = k.nb[1] / 2,
         .key_width = static_cast<std::size_t>(k.ne[0]),
         .values = rows(v),
         .value_stride = v.nb[1] / 2,
         .value_width = value_width,
         .positions = view.cells().data() + first,
         .count = count,
         .queries = reinterpret_cast<const float*>(static_cast<const std::byte*>(q.data) + first_head * q.nb[2] +
                                                   row * q.nb[1]),
         .query_stride = q.nb[2] / sizeof(float),
         .heads = queries_per_key,
         .scale = float_parameter(node, kLogitScale),
         .cap = float_parameter(node, kSoftCap),
         .scores = scores,
         .out = floats(node) + (row * static_cast<std::size_t>(q.ne[2]) + first_head) * value_width});
  });
  return !out_of_memory;
}

}  // namespace ggml_packed
