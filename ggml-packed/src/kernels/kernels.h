// The innermost loops, compiled for each level of CPU and chosen when the program runs.
//
// Threads  pure functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/block.h"
#include "format/packed_matrix.h"

namespace ggml_packed {

enum class Activation { None, Gelu, GeluErf, Silu, Relu, Tanh };

// What happens to a product before it is stored: (product + bias), the activation, times `factor`, plus `addend`.
struct Epilogue {
  const float* bias = nullptr;  // one per output
  Activation activation = Activation::None;
  const float* factor = nullptr;  // of the output's shape
  std::size_t factor_stride = 0;  // floats from row to row
  Activation factor_activation = Activation::None;
  const float* addend = nullptr;
  std::size_t addend_stride = 0;
};

struct Output {
  float* data = nullptr;
  std::size_t stride = 0;  // floats from row to row
  Epilogue epilogue{};
  // Where a row of activations has its row of results, and the epilogue's; nullptr: where it is itself.
  const std::uint32_t* places = nullptr;
};

// As many rows of activations as stay in the cache of a core: a task is a panel and these.
inline constexpr std::size_t kRowsAtOnce = 512;

// Bytes from row to row of activations: an odd number of cache lines. A kernel reads many rows at once; were they 4 kB
// apart, their lines would have to share one place of the first cache.
[[nodiscard]] constexpr std::size_t row_stride(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  return ((bytes + kLine - 1) / kLine | 1U) * kLine;
}

// Rows of activations as a format's kernel reads them.
struct Activations {
  const std::int8_t* int8 = nullptr;    // rows of `stride` bytes
  const BlockScale* scales = nullptr;   // one per block: rows of stride / 32
  const std::uint16_t* bf16 = nullptr;  // rows of `stride` values, an even number
  const float* f32 = nullptr;           // rows of `stride` floats
  std::size_t stride = 0;
};

// Some outputs of a matrix.
struct Panel {
  const PackedMatrix& weights;
  std::size_t index = 0;
  std::size_t before = 0;  // panels of the matrix that `weights` lacks in front: a panel's outputs come after theirs
  // Weights that the same thread will want next, as many bytes as a panel of these: asked for meanwhile, since no CPU
  // looks so far ahead. nullptr: nobody knows.
  const std::byte* next = nullptr;
};

struct Kernels {
  const char* name;        // "avx2" to "amx-bf16", "neon" to "neon-bf16", "other"
  std::int64_t target;     // Highway's, which kernels of other kinds are chosen by
  bool (*is_here)();       // does this CPU have what the target alone does not say?
  std::size_t panel_rows;  // of the packed weights
  Int8Sign int8_sign;
  std::uint32_t int8_group;  // as Layout's
  bool has_bf16;             // in hardware
  bool has_tiles;            // in which weights of 8 bits are faster as bfloat16

  void (*quantize)(const float* values, std::size_t count, std::int8_t* quants, BlockScale* scales);
  void (*to_bf16)(const float* values, std::size_t count, std::uint16_t* out);
  // Rows [begin, end) of the activations times one panel: columns [0, columns) of the output, which are the panel's.
  void (*multiply)(const Panel& panel, const Activations& activations, std::size_t begin, std::size_t end,
                   const Output& output);
};

// The best that the CPU can do, or a lower level by name; nullptr where it has none of them. The environment's
// GGML_PACKED_LEVEL makes it a lesser CPU: levels above the one that it names are not there, and where it names none,
// no level is.
[[nodiscard]] const Kernels* kernels(const char* level = nullptr);

// Of all levels, whether this CPU has them or not, the best one first.
[[nodiscard]] std::vector<const char*> level_names();

// Were the levels tuned and measured on this kind of CPU? Where not, one is used only if it is asked for by name: ggml
// has kernels of its own for arm, which no comparison has shown ours to be faster than.
[[nodiscard]] bool levels_are_measured();

}  // namespace ggml_packed
