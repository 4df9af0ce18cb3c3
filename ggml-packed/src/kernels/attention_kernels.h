// Attention of a block of queries over a text, compiled for each level of CPU.
//
// Threads  pure functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "ops/mask_view.h"

namespace ggml_packed {

// What scores and weights are multiplied in. Sums are float32 in both.
enum class Precision { F32, Bf16 };

// How many steps a product of `length` terms takes; of bfloat16 two are one step, in the place of one float32. An odd
// last one has a zero beside it.
constexpr std::size_t steps(Precision precision, std::size_t length) {
  return precision == Precision::Bf16 ? (length + 1) / 2 : length;
}

// The keys and values of one text and one head, as panels of Kernels::panel_rows.
struct PackedText {
  Precision precision = Precision::F32;
  float* keys = nullptr;    // panels over the positions: steps(key_width) each
  float* values = nullptr;  // panels over the width: steps(positions) each
  std::size_t positions = 0;
  std::size_t key_width = 0, value_width = 0;
};

struct QueryBlock {
  const float* queries = nullptr;  // rows `stride` floats apart
  std::size_t stride = 0;
  std::size_t rows = 0;
  const Visible* visible = nullptr;  // per row: which positions of the text it sees; at least one
  float scale = 1;
  float cap = 0;  // soft cap: cap * tanh(score / cap) of the scaled scores; 0: none
  // What is added to the scaled and capped scores, `slope` times; nullptr: nothing. float16, rows `bias_stride` apart,
  // a value for each position of the text.
  const std::uint16_t* bias = nullptr;
  std::size_t bias_stride = 0;
  float slope = 1;
  float* scores = nullptr;   // scratch: max_rows * positions, rounded up to whole panels
  float* rounded = nullptr;  // scratch for queries in bfloat16: max_rows * steps(key_width)
  float* out = nullptr;      // rows `out_stride` floats apart
  std::size_t out_stride = 0;
};

// One token's queries, all heads that share a key, read the memory as it is: nothing is packed for so few.
struct LoneQuery {
  const std::uint16_t* keys = nullptr;  // float16, rows of one head `stride` values apart
  std::size_t key_stride = 0, key_width = 0;
  const std::uint16_t* values = nullptr;
  std::size_t value_stride = 0, value_width = 0;
  const std::int32_t* positions = nullptr;  // the rows that it sees
  std::size_t count = 0;
  const float* queries = nullptr;  // of the heads, `query_stride` floats apart
  std::size_t query_stride = 0, heads = 0;
  float scale = 1;
  float cap = 0;            // as QueryBlock's
  float* scores = nullptr;  // scratch: count floats, rounded up to 16
  float* out = nullptr;     // rows of value_width, one after the other
};

struct AttentionKernels {
  std::int64_t target;   // as Kernels::target
  bool has_bf16;         // else texts are float32
  std::size_t max_rows;  // of a block's, that scratch is needed for
  // Rows of float16, `stride` values apart.
  void (*pack)(const std::uint16_t* keys, std::size_t key_stride, const std::uint16_t* values, std::size_t value_stride,
               const PackedText& text);
  void (*attend)(const PackedText& text, const QueryBlock& block);
  void (*attend_alone)(const LoneQuery& query);
};

[[nodiscard]] const AttentionKernels& attention_kernels(const Kernels& level);

}  // namespace ggml_packed
