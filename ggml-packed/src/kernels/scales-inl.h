// The scales of a block of weights times those of rows of activations. Included once per target.
#include <hwy/highway.h>

#include <cstddef>

#if defined(GGML_PACKED_SCALES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_SCALES_INL_H
#undef GGML_PACKED_SCALES_INL_H
#else
#define GGML_PACKED_SCALES_INL_H
#endif

#include "format/block.h"
#include "format/packed_matrix.h"
#include "kernels/finished_tiles-inl.h"
#include "kernels/scratch.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// Each scale of a panel times each mantissa that an activation's scale can have: for each block, for each step, those
// of the panel's rows. nullptr where it does not pay, or there is no memory: then a kernel multiplies itself. The
// products are the same: a float16 has 11 bits, a mantissa 6, a float32 24.
//
// It pays with as many rows as save more multiplications than are done here, and as long as the table stays in a core's
// second cache beside the activations.
//
// Threads  the result is valid until the same thread's next call.
inline const float* scales_to_look_up(const PackedMatrix& weights, const Tile& tile, std::size_t rows) {
  constexpr std::size_t kMinRows = 48, kMaxColumns = 4096;
  const bool is_int4 = weights.format() == Format::Int4;
  if ((weights.format() != Format::Int8 && !is_int4) || rows < kMinRows || tile.columns > kMaxColumns) {
    return nullptr;
  }
  thread_local Scratch scratch;
  const std::size_t blocks = tile.columns / kBlock,
                    block_bytes =
                        kPanelRows * (is_int4 ? 2 * sizeof(ggml_fp16_t) + kBlock / 2 : sizeof(ggml_fp16_t) + kBlock);
  float* const table = scratch.floats(blocks * kScaleSteps * kPanelRows);
  if (table == nullptr) return nullptr;
  const F f;
  float* to = table;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::byte* w = tile.panel + block * block_bytes;
    const Floats first = scales_of(w), second = scales_of(w + kLanes * 2);
    for (std::size_t step = 0; step < kScaleSteps; ++step, to += kPanelRows) {
      const Floats mantissa = hn::Set(f, 1 + static_cast<float>(step) / kScaleSteps);
      hn::Store(hn::Mul(first, mantissa), f, to);
      hn::Store(hn::Mul(second, mantissa), f, to + kLanes);
    }
  }
  return table;
}

// One block's, for all rows of a tile: looked up in the table, or multiplied.
template <bool LooksUp>
class BlockScales {
 public:
  HWY_INLINE BlockScales(const float* table, std::size_t block, const std::byte* weights) {
    if constexpr (LooksUp) {
      table_ = table + block * (kScaleSteps * kPanelRows);
    } else {
      scales_[0] = scales_of(weights);
      scales_[1] = scales_of(weights + kLanes * 2);
    }
  }
  // Those of vector v, without the power of two of the activations' scale.
  [[nodiscard]] HWY_INLINE Floats with(const BlockScale& scale, std::size_t v) const {
    if constexpr (LooksUp) {
      return hn::Load(F(), table_ + scale.step() * kPanelRows + v * kLanes);
    } else {
      return hn::Mul(scales_[v], mantissa(hn::Set(F(), scale.scale)));
    }
  }

 private:
  const float* table_ = nullptr;
  Floats scales_[kVectors];
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
