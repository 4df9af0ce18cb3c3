// The innermost loops over panels of 8 and 4 bits with arm64's products of four (SDOT). Included once per target.
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#if defined(GGML_PACKED_DOT_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_DOT_TILES_INL_H
#undef GGML_PACKED_DOT_TILES_INL_H
#else
#define GGML_PACKED_DOT_TILES_INL_H
#endif

#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/tiles-inl.h"

#if GGML_PACKED_IS_NEON
HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// As many rows as the registers hold sums for, of the block and of the row, beside a vector of each row's activations.
// With more of them some sums go through memory: with eight rows a row costs 56 instructions, with four 46.
constexpr std::size_t kDotRows = 4;
constexpr std::size_t kHalfBlock = kBlock / 2;  // bytes of a vector

// body(0), body(1), … as constants, which the number of a lane must be.
template <std::size_t Count, class Body>
HWY_INLINE void unroll_constants(const Body& body) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) GGML_PACKED_INLINE {
    (body(std::integral_constant<std::size_t, Index>()), ...);
  }(std::make_index_sequence<Count>());
}

// SDOT: adds to each sum the products of four neighbours of the weights with the activations' four of that number.
// Highway has no target for it without bfloat16; as an instruction it needs none of the compiler's either.
template <std::size_t Lane, class I8>
HWY_INLINE Ints add_dots(Ints sum, I8 weights, I8 activations) {
  static_assert(Lane < 4);
  asm(".arch_extension dotprod\n\tsdot %0.4s, %1.16b, %2.4b[%c3]"
      : "+w"(sum.raw)
      : "w"(weights.raw), "w"(activations.raw), "i"(Lane));
  return sum;
}

// Rows of activations times a panel of 8 bits, with SDOT.
//
// Weights lie four columns of a row side by side, and so do activations: a vector of these has those of four steps,
// which the instruction chooses by itself. After a block of 32 the sums become float32 and take the two scales. Costs
// one instruction for 16 products, and half a load for each row and 32 of them.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int8_by_dots(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int8_t, F> i8;
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto* values = reinterpret_cast<const std::int8_t*>(w + kPanelRows * 2);
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { dots[m][0] = dots[m][1] = hn::Zero(i); });
    unroll<2>([&](std::size_t half) GGML_PACKED_INLINE {
      hn::Vec<decltype(i8)> fours[Rows];
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        fours[m] = hn::LoadU(i8, x + m * a.stride + block * kBlock + half * kHalfBlock);
      });
      unroll_constants<4>([&](auto lane) GGML_PACKED_INLINE {
        const std::int8_t* four_columns = values + (half * 4 + lane.value) * kPanelRows * 4;
        const auto w0 = hn::Load(i8, four_columns), w1 = hn::Load(i8, four_columns + kLanes * 4);
        unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
          dots[m][0] = add_dots<lane.value>(dots[m][0], w0, fours[m]);
          dots[m][1] = add_dots<lane.value>(dots[m][1], w1, fours[m]);
        });
      });
    });
    const Floats s0 = scales_of(w), s1 = scales_of(w + kLanes * 2);
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats scale = hn::Set(f, scales[m * scale_stride + block].scale);
      sums[m][0] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][0]), s0), scale, sums[m][0]);
      sums[m][1] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][1]), s1), scale, sums[m][1]);
    });
    w += kPanelRows * (2 + kBlock);
  }
  store_tile<Rows>(sums, tile, row, output);
}

// Rows of activations times a panel of 4 bits, with SDOT.
//
// Weights are unsigned as they are: scale * q - minimum, with q below 16, which is the same as a signed byte. A byte
// holds the weights of two steps: the lower half that of columns 0 to 15 of a block, the upper half that of 16 to 31.
// The minimum times the sum of the activations (BlockScale::sum) is taken off once per block. Costs what 8 bits cost
// and two instructions per 32 weights to take bytes apart, for half of the memory to read.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int4_by_dots(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int8_t, F> i8;
  const hn::Repartition<std::uint8_t, F> u8;
  const auto low_half = hn::Set(u8, 0x0F);
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto* values = reinterpret_cast<const std::uint8_t*>(w + kPanelRows * 4);
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { dots[m][0] = dots[m][1] = hn::Zero(i); });
    // The columns of the lower halves, then those of the upper ones: as many activations at a time as with 8 bits.
    unroll<2>([&](std::size_t half) GGML_PACKED_INLINE {
      hn::Vec<decltype(i8)> fours[Rows];
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        fours[m] = hn::LoadU(i8, x + m * a.stride + block * kBlock + half * kHalfBlock);
      });
      unroll_constants<4>([&](auto lane) GGML_PACKED_INLINE {
        const std::uint8_t* both = values + lane.value * kPanelRows * 4;
        const auto half_of = [&](const std::uint8_t* at) GGML_PACKED_INLINE {
          const auto bytes = hn::Load(u8, at);
          return hn::BitCast(i8, half == 0 ? hn::And(bytes, low_half) : hn::ShiftRight<4>(bytes));
        };
        const auto w0 = half_of(both), w1 = half_of(both + kLanes * 4);
        unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
          dots[m][0] = add_dots<lane.value>(dots[m][0], w0, fours[m]);
          dots[m][1] = add_dots<lane.value>(dots[m][1], w1, fours[m]);
        });
      });
    });
    const auto finish_vector = [&](std::size_t v) GGML_PACKED_INLINE {
      const Floats weight_scale = scales_of(w + v * kLanes * 2),
                   minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        sums[m][v] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][v]), weight_scale), hn::Set(f, s.scale), less);
      });
    };
    finish_vector(0);
    finish_vector(1);
    w += kPanelRows * (4 + kBlock / 2);
  }
  store_tile<Rows>(sums, tile, row, output);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();
#endif

#endif
