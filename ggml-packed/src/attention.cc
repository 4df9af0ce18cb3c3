#include "attention.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>

#include "tensor.h"

namespace ggml_packed {
namespace {

constexpr std::uint16_t kSeen = 0x0000, kHidden = 0xFC00;  // float16: 0 and minus infinity
constexpr std::size_t kQueriesOfTask = 256;                // that pay for packing the text once more
constexpr std::size_t kPositionsOfQuery = 16;              // more are not worth packing: they are read as they are
constexpr std::size_t kMostTokens = 64;                    // that are computed one by one

struct Span {
  std::size_t begin, end;  // end 0: not one run of seen positions
};

Span seen_positions(const std::uint16_t* mask, std::size_t count) {
  std::size_t begin = 0;
  while (begin < count && mask[begin] == kHidden) ++begin;
  std::size_t end = begin;
  while (end < count && mask[end] == kSeen) ++end;
  if (begin == end || !std::all_of(mask + end, mask + count, [](std::uint16_t m) { return m == kHidden; })) return {0, 0};
  return {begin, end};
}

const std::uint16_t* mask_row(const ggml_tensor& mask, std::size_t query) {
  return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(mask.data) + query * mask.nb[1]);
}

// Memory of one thread, kept from task to task.
class Scratch {
 public:
  float* floats(std::size_t count) {
    if (count > size_) {
      const std::size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
      memory_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
      size_ = memory_ ? count : 0;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

thread_local Scratch scratch;

}  // namespace

bool Attention::takes(const ggml_tensor& node) const {
  if (node.op != GGML_OP_FLASH_ATTN_EXT || !is_dense_f32(node)) return false;
  const ggml_tensor *q = node.src[0], *k = node.src[1], *v = node.src[2], *mask = node.src[3];
  const bool plain = float_parameter(node, 1) == 0.0F && float_parameter(node, 2) == 0.0F && node.src[4] == nullptr;
  if (!plain || mask == nullptr || mask->type != GGML_TYPE_F16 || mask->nb[0] != 2 || mask->ne[2] != 1 || mask->ne[3] != 1) {
    return false;
  }
  if (q->type != GGML_TYPE_F32 || k->type != GGML_TYPE_F16 || v->type != GGML_TYPE_F16) return false;
  if (q->ne[3] != 1 || k->ne[3] != 1 || v->ne[3] != 1 || q->nb[0] != 4 || k->nb[0] != 2 || v->nb[0] != 2) return false;
  return k->ne[2] == v->ne[2] && q->ne[2] % k->ne[2] == 0 && q->ne[0] == k->ne[0] && k->ne[1] == v->ne[1] &&
         mask->ne[0] == k->ne[1] && mask->ne[1] >= q->ne[1];
}

// A mask is read once per graph: all layers share it.
void Attention::read_mask(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team) {
  if (mask_ == &mask) return;
  mask_ = &mask;
  texts_.clear();
  visible_.resize(queries);
  std::vector<Span> spans(queries);
  std::atomic<bool> side_by_side = true;
  team.for_ranges(queries, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      spans[i] = seen_positions(mask_row(mask, i), positions);
      if (spans[i].end == 0) side_by_side = false;
    }
  });
  std::size_t packed = 0;
  for (std::size_t i = 0; i < queries && side_by_side; ++i) {
    const auto [begin, end] = spans[i];
    if (texts_.empty() || texts_.back().first_position != begin) {
      texts_.push_back({.first_query = i, .queries = 0, .first_position = begin, .positions = 0});
    }
    Text& text = texts_.back();
    ++text.queries;
    packed += std::max(text.positions, end - begin) - text.positions;
    text.positions = std::max(text.positions, end - begin);
    visible_[i] = static_cast<std::int32_t>(end - begin);
  }
  if (side_by_side && packed <= kPositionsOfQuery * queries) {
    kind_ = MaskKind::TextsSideBySide;
  } else {
    kind_ = queries <= kMostTokens && read_cells(mask, queries, positions) ? MaskKind::Scattered : MaskKind::Other;
  }
}

bool Attention::read_cells(const ggml_tensor& mask, std::size_t queries, std::size_t positions) {
  cells_.clear();
  cells_end_.clear();
  for (std::size_t i = 0; i < queries; ++i) {
    const std::uint16_t* row = mask_row(mask, i);
    for (std::size_t j = 0; j < positions; ++j) {
      if (row[j] == kSeen) {
        cells_.push_back(static_cast<std::int32_t>(j));
      } else if (row[j] != kHidden) {
        return false;
      }
    }
    if (cells_.size() == (cells_end_.empty() ? 0 : cells_end_.back())) return false;  // sees nothing
    cells_end_.push_back(cells_.size());
  }
  return true;
}

bool Attention::compute(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor &q = *node.src[0], &k = *node.src[1];
  read_mask(*node.src[3], static_cast<std::size_t>(q.ne[1]), static_cast<std::size_t>(k.ne[1]), team);
  switch (kind_) {
    case MaskKind::TextsSideBySide:
      return attend_texts(node, team);
    case MaskKind::Scattered:
      return attend_tokens(node, team);
    case MaskKind::Other:
      break;
  }
  return false;
}

bool Attention::attend_texts(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor &q = *node.src[0], &k = *node.src[1], &v = *node.src[2];
  struct Task {
    const Text* text;
    std::size_t head, first_query, queries;
  };
  std::vector<Task> tasks;
  const auto heads = static_cast<std::size_t>(k.ne[2]);
  const auto queries_per_key = static_cast<std::size_t>(q.ne[2] / k.ne[2]);
  // Few heads and few texts: their queries are shared out as well.
  const bool split = texts_.size() * heads < static_cast<std::size_t>(team.threads()) * 4;
  for (const Text& text : texts_) {
    const std::size_t size = split ? kQueriesOfTask : text.queries;
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t begin = 0; begin < text.queries; begin += size) {
        tasks.push_back({&text, head, text.first_query + begin, std::min(size, text.queries - begin)});
      }
    }
  }
  // The longest first: no thread is left with a long one at the end.
  std::ranges::stable_sort(tasks, std::greater<>(), [](const Task& task) { return task.text->positions; });

  const std::size_t panel = kernels_.panel_rows;
  const auto up = [&](std::size_t count) { return (count + panel - 1) / panel * panel; };
  std::atomic<bool> out_of_memory = false;
  team.for_each(tasks.size(), [&](std::size_t i) {
    const Task& task = tasks[i];
    const auto last_visible = *std::ranges::max_element(visible_.begin() + static_cast<std::ptrdiff_t>(task.first_query),
                                                        visible_.begin() + static_cast<std::ptrdiff_t>(task.first_query + task.queries));
    const auto positions = static_cast<std::size_t>(last_visible);
    const auto key_width = static_cast<std::size_t>(k.ne[0]), value_width = static_cast<std::size_t>(v.ne[0]);
    const std::size_t key_floats = up(positions) * key_width, value_floats = up(value_width) * positions;
    float* memory = scratch.floats(key_floats + value_floats + 16 + 16 * up(positions));
    if (memory == nullptr) {
      out_of_memory = true;
      return;
    }
    const PackedText text{.keys = memory,
                          .values = memory + key_floats,
                          .positions = positions,
                          .key_width = key_width,
                          .value_width = value_width};
    const auto rows_of = [&](const ggml_tensor& t) {
      return reinterpret_cast<const std::uint16_t*>(static_cast<const std::byte*>(t.data) + task.head * t.nb[2] +
                                                    task.text->first_position * t.nb[1]);
    };
    attention_.pack(rows_of(k), k.nb[1] / 2, rows_of(v), v.nb[1] / 2, text);
    for (std::size_t j = 0; j < queries_per_key; ++j) {
      const std::size_t head = task.head * queries_per_key + j;
      QueryBlock block{
          .queries = reinterpret_cast<const float*>(static_cast<const std::byte*>(q.data) + head * q.nb[2] + task.first_query * q.nb[1]),
          .stride = q.nb[1] / sizeof(float),
          .rows = task.queries,
          .visible = visible_.data() + task.first_query,
          .scale = float_parameter(node, 0),
          .scores = memory + (key_floats + value_floats + 15) / 16 * 16,
          .out = floats(node) + (task.first_query * static_cast<std::size_t>(q.ne[2]) + head) * value_width,
          .out_stride = static_cast<std::size_t>(q.ne[2]) * value_width};
      attention_.attend(text, block);
    }
  });
  return !out_of_memory;
}

bool Attention::attend_tokens(const ggml_tensor& node, ThreadTeam& team) {
  const ggml_tensor &q = *node.src[0], &k = *node.src[1], &v = *node.src[2];
  const auto queries = static_cast<std::size_t>(q.ne[1]), heads = static_cast<std::size_t>(k.ne[2]);
  const auto queries_per_key = static_cast<std::size_t>(q.ne[2] / k.ne[2]), value_width = static_cast<std::size_t>(v.ne[0]);
  std::atomic<bool> out_of_memory = false;
  team.for_each(queries * heads, [&](std::size_t i) {
    const std::size_t query = i / heads, head = i % heads;
    const std::size_t first = query == 0 ? 0 : cells_end_[query - 1];
    const std::size_t count = cells_end_[query] - first;
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
         .positions = cells_.data() + first,
         .count = count,
         .queries = reinterpret_cast<const float*>(static_cast<const std::byte*>(q.data) + first_head * q.nb[2] + query * q.nb[1]),
         .query_stride = q.nb[2] / sizeof(float),
         .heads = queries_per_key,
         .scale = float_parameter(node, 0),
         .scores = scores,
         .out = floats(node) + (query * static_cast<std::size_t>(q.ne[2]) + first_head) * value_width});
  });
  return !out_of_memory;
}

}  // namespace ggml_packed
