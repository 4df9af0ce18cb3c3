// Products of bfloat16 in the tile registers of Intel's server CPUs (AMX). Included once per target.
//
// A register is a tile of 16 rows of 64 bytes. Four of them are sums: 32 rows of activations by a panel's 32 outputs.
// Each step loads two tiles of activations and two of weights, 32 columns of either, and multiplies each with each: as
// few loads for a product as eight registers allow, since loads are what takes the time. While the tiles multiply, the
// rows of the block before are finished by the vector registers.
//
// Cost     64 cycles a step at best; 32 rows of a panel with K columns take K / 32 steps.
// Source   Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18, and volume 2, TDPBF16PS.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(GGML_PACKED_AMX_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_AMX_TILES_INL_H
#undef GGML_PACKED_AMX_TILES_INL_H
#else
#define GGML_PACKED_AMX_TILES_INL_H
#endif

#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/lines_ahead.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_NATIVE_DOT_BF16

constexpr std::size_t kAmxRows = 16, kAmxBlockRows = 2 * kAmxRows, kAmxLine = 64;
constexpr std::size_t kAmxStep = kAmxLine / sizeof(std::uint16_t);        // columns
constexpr std::size_t kAmxPair = 2 * sizeof(std::uint16_t) * kPanelRows;  // bytes of two columns of a panel
constexpr std::size_t kAmxStepBytes = kAmxStep / 2 * kAmxPair;
constexpr std::size_t kAmxLinesAhead = 8;  // a step, at most
constexpr std::size_t kAmxSumStride = kPanelRows * sizeof(float);
static_assert(kPanelRows == 2 * kAmxRows);

// The instructions, as text: no compiler's option is needed for it, and no compiler uses these registers by itself.
// Numbers: 0 to 3 sums, upper and lower rows by left and right outputs; 4, 5 activations; 6, 7 weights.
template <int kTile>
HWY_INLINE void load_amx(const std::byte* from, std::size_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
HWY_INLINE void store_amx(std::byte* to, std::size_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
HWY_INLINE void zero_amx() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
template <int kSums, int kX, int kWeights>
HWY_INLINE void add_amx() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kX), "i"(kWeights));
}

// The registers' shapes. In use from set_up until the end: those in use make a switch to another thread save 8 KiB.
class AmxRegisters {
 public:
  AmxRegisters() = default;
  AmxRegisters(const AmxRegisters&) = delete;
  AmxRegisters& operator=(const AmxRegisters&) = delete;
  ~AmxRegisters() {
    if (rows_ != 0) asm volatile("tilerelease");
  }

  // For blocks of 1 to kAmxBlockRows rows.
  void set_up(std::size_t rows) {
    if (rows_ == rows) return;
    rows_ = rows;
    const auto upper = static_cast<std::uint8_t>(std::min(rows, kAmxRows));
    const auto lower = static_cast<std::uint8_t>(rows - upper);
    Shapes shapes;
    for (const int tile : {0, 1, 4}) shapes.row_bytes[tile] = kAmxLine, shapes.rows[tile] = upper;
    for (const int tile : {6, 7}) shapes.row_bytes[tile] = kAmxLine, shapes.rows[tile] = kAmxRows;
    if (lower > 0) {
      for (const int tile : {2, 3, 5}) shapes.row_bytes[tile] = kAmxLine, shapes.rows[tile] = lower;
    }
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }

 private:
  struct alignas(kAmxLine) Shapes {  // what LDTILECFG reads
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  };
  static_assert(sizeof(Shapes) == kAmxLine);

  std::size_t rows_ = 0;
};

template <bool kTwo>
HWY_INLINE void add_step(const std::byte* x, std::size_t stride, const std::byte* panel) {
  load_amx<6>(panel, kAmxPair);
  load_amx<4>(x, stride);
  add_amx<0, 4, 6>();
  load_amx<7>(panel + kAmxLine, kAmxPair);
  add_amx<1, 4, 7>();
  if constexpr (kTwo) {
    load_amx<5>(x + kAmxRows * stride, stride);
    add_amx<2, 5, 6>();
    add_amx<3, 5, 7>();
  }
}

// Rows of bfloat16, `stride` bytes apart, and a panel that they are multiplied with.
struct AmxFactors {
  const std::byte* x = nullptr;
  std::size_t stride = 0, rows = 0, columns = 0;  // 1 to kAmxBlockRows rows, an even number of columns
  const std::byte* panel = nullptr;
};

// The columns beyond the last whole step, with zeros beside them.
template <bool kTwo>
HWY_NOINLINE void add_last_step(const AmxFactors& factors, std::size_t done) {
  alignas(kAmxLine) std::byte some_x[kAmxBlockRows * kAmxLine] = {};
  alignas(kAmxLine) std::byte some_panel[kAmxStepBytes] = {};
  const std::size_t columns = factors.columns - done;
  const std::byte* x = factors.x + done * sizeof(std::uint16_t);
  for (std::size_t row = 0; row < factors.rows; ++row) {
    std::memcpy(some_x + row * kAmxLine, x + row * factors.stride, columns * sizeof(std::uint16_t));
  }
  std::memcpy(some_panel, factors.panel + done / 2 * kAmxPair, columns / 2 * kAmxPair);
  add_step<kTwo>(some_x, kAmxLine, some_panel);
}

// A block of sums that waits to be finished.
struct AmxBlock {
  const float* sums = nullptr;
  std::size_t row = 0, left = 0;  // of the activations; rows
  const Tile* tile = nullptr;
  const Output* output = nullptr;

  void finish_some(std::size_t rows) {
    rows = std::min(rows, left);
    if (rows == 0) return;
    finish(sums, rows, *tile, row, *output);
    sums += rows * kPanelRows;
    row += rows;
    left -= rows;
  }
};

template <bool kTwo>
HWY_INLINE void multiply_amx_tiles(const AmxFactors& factors, std::byte* sums, std::size_t stride, AmxBlock& before,
                                   LinesAhead& ahead) {
  zero_amx<0>();
  zero_amx<1>();
  if constexpr (kTwo) {
    zero_amx<2>();
    zero_amx<3>();
  }
  const std::size_t steps = factors.columns / kAmxStep;
  const std::size_t each = before.left / std::max<std::size_t>(steps, 1) + 1;
  const std::byte *x = factors.x, *panel = factors.panel;
  for (std::size_t step = 0; step < steps; ++step, x += kAmxLine, panel += kAmxStepBytes) {
    add_step<kTwo>(x, factors.stride, panel);
    ahead.fetch_some();
    before.finish_some(each);
  }
  if (steps * kAmxStep < factors.columns) add_last_step<kTwo>(factors, steps * kAmxStep);
  store_amx<0>(sums, stride);
  store_amx<1>(sums + kAmxLine, stride);
  if constexpr (kTwo) {
    store_amx<2>(sums + kAmxRows * stride, stride);
    store_amx<3>(sums + kAmxRows * stride + kAmxLine, stride);
  }
  before.finish_some(before.left);
}

// Sums of kPanelRows floats for each row, `stride` bytes apart. Meanwhile `before` is finished, and what is `ahead` is
// asked for. The registers are set up for that many rows.
void multiply_amx_block(const AmxFactors& factors, float* sums, std::size_t stride, AmxBlock& before,
                        LinesAhead& ahead) {
  auto* to = reinterpret_cast<std::byte*>(sums);
  if (factors.rows > kAmxRows) {
    multiply_amx_tiles<true>(factors, to, stride, before, ahead);
  } else {
    multiply_amx_tiles<false>(factors, to, stride, before, ahead);
  }
}

void multiply_bf16_by_amx(const Tile& tile, const Activations& a, std::size_t begin, std::size_t end,
                          const Output& output, LinesAhead ahead) {
  alignas(kAmxLine) float sums[2][kAmxBlockRows * kPanelRows];
  AmxRegisters registers;
  AmxBlock before;
  ahead.share_among(((end - begin + kAmxBlockRows - 1) / kAmxBlockRows) * (tile.columns / kAmxStep), kAmxLinesAhead);
  for (std::size_t row = begin, block = 0; row < end; row += kAmxBlockRows, ++block) {
    const AmxFactors factors{.x = reinterpret_cast<const std::byte*>(a.bf16 + row * a.stride),
                             .stride = a.stride * sizeof(std::uint16_t),
                             .rows = std::min(kAmxBlockRows, end - row),
                             .columns = (tile.columns + 1) / 2 * 2,
                             .panel = tile.panel};
    registers.set_up(factors.rows);
    multiply_amx_block(factors, sums[block % 2], kAmxSumStride, before, ahead);
    before = {.sums = sums[block % 2], .row = row, .left = factors.rows, .tile = &tile, .output = &output};
  }
  before.finish_some(before.left);
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
