// Attention's products in tile registers (AMX): scores and sums of values, 32 queries at once. Included once per
// target.
//
// A packed text of bfloat16 is what tiles read: panels of 32 positions, or of 32 columns, with pairs side by side.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_AMX_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_AMX_ATTENTION_INL_H
#undef GGML_PACKED_AMX_ATTENTION_INL_H
#else
#define GGML_PACKED_AMX_ATTENTION_INL_H
#endif

#include "kernels/amx_tiles-inl.h"
#include "kernels/attention_kernels.h"
#include "kernels/attention_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_NATIVE_DOT_BF16

// As VectorProducts, for texts of bfloat16.
class AmxAttention {
 public:
  static constexpr Precision kPrecision = Precision::Bf16;
  static constexpr std::size_t kMaxRows = kAmxBlockRows;
  static std::size_t rows_of(std::size_t left) { return std::min(left, kMaxRows); }

  void score(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length) {
    const std::size_t first_panel = rows.begin / kPanelRows, terms = steps(kPrecision, text.key_width);
    registers_.set_up(rows.count);
    for (std::size_t panel = first_panel; panel < panels(rows.end); ++panel) {
      multiply(block.rounded, terms, rows.count, text.keys + panel * kPanelRows * terms,
               block.scores + (panel - first_panel) * kPanelRows, length);
    }
  }

  void mix(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length,
           const float* inverse_sums) {
    const F f;
    alignas(kAmxLine) float sums[kMaxRows * kPanelRows];
    const std::size_t terms = steps(kPrecision, rows.end - rows.begin);
    for (std::size_t panel = 0; panel < panels(text.value_width); ++panel) {
      const std::size_t column = panel * kPanelRows, count = text.value_width - column;
      const float* values =
          text.values + (panel * steps(kPrecision, text.positions) + steps(kPrecision, rows.begin)) * kPanelRows;
      multiply(block.scores, terms, rows.count, values, sums, kPanelRows, length);
      float* out = block.out + rows.first * block.out_stride + column;
      for (std::size_t m = 0; m < rows.count; ++m, out += block.out_stride) {
        const float* row = sums + m * kPanelRows;
        store_mixed(hn::Load(f, row), hn::Load(f, row + kLanes), inverse_sums[m], count, out);
      }
    }
  }

 private:
  // Pairs of bfloat16 in the place of floats, as in PackedText; strides in floats.
  static void multiply(const float* x, std::size_t terms, std::size_t rows, const float* panel, float* sums,
                       std::size_t sums_stride, std::size_t x_stride = 0) {
    AmxBlock nothing;
    LinesAhead none;
    multiply_amx_block({.x = reinterpret_cast<const std::byte*>(x),
                        .stride = (x_stride == 0 ? terms : x_stride) * sizeof(float),
                        .rows = rows,
                        .columns = 2 * terms,
                        .panel = reinterpret_cast<const std::byte*>(panel)},
                       sums, sums_stride * sizeof(float), nothing, none);
  }

  AmxRegisters registers_;
};

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
