// Activations of 8 bits. Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(GGML_PACKED_QUANTIZE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_QUANTIZE_INL_H
#undef GGML_PACKED_QUANTIZE_INL_H
#else
#define GGML_PACKED_QUANTIZE_INL_H
#endif

#include "format/block.h"
#include "kernels/tiles-inl.h"

#if !GGML_PACKED_ADDS_BF16
HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// Of activations' scales: as they come, or those of which there are few (BlockScale).
enum class Mantissas { Any, Few };

// Lane k becomes what all lanes of vector k come to, two by two. Overwrites the vectors.
template <class V, class Combine>
HWY_INLINE V across(V (&v)[kLanes], const Combine& combine) {
  const hn::DFromV<V> d;
  const hn::Repartition<std::uint64_t, decltype(d)> pairs;
  unroll<kLanes / 2>([&](std::size_t k) GGML_PACKED_INLINE {
    v[k] = combine(hn::InterleaveLower(d, v[2 * k], v[2 * k + 1]), hn::InterleaveUpper(d, v[2 * k], v[2 * k + 1]));
  });
  unroll<kLanes / 4>([&](std::size_t k) GGML_PACKED_INLINE {
    const auto a = hn::BitCast(pairs, v[2 * k]), b = hn::BitCast(pairs, v[2 * k + 1]);
    v[k] = combine(hn::BitCast(d, hn::InterleaveLower(pairs, a, b)), hn::BitCast(d, hn::InterleaveUpper(pairs, a, b)));
  });
  // Now each 128 bits of v[k] are of the vectors 4 * k to 4 * k + 3.
  const auto halves = [&](V low, V high) GGML_PACKED_INLINE {
    return combine(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low));
  };
  if constexpr (kLanes == 16) {
    const V even = halves(v[0], v[2]), odd = halves(v[1], v[3]);
    return combine(hn::InterleaveEvenBlocks(d, even, odd), hn::InterleaveOddBlocks(d, even, odd));
  } else if constexpr (kLanes == 8) {
    return halves(v[0], v[1]);
  } else {
    static_assert(kLanes == 4);
    return v[0];
  }
}

// Up to as many blocks as a vector has lanes, of which each has what is a block's: one lane. (Of one block after the
// other most of the time would go into adding up lanes and into numbers that stand alone.)
class BlocksToQuantize {
  static constexpr std::size_t kParts = kBlock / kLanes;
  static constexpr int kTriedScales = 4;

  // A vector as numbers, each of which may become a vector's.
  struct Lanes {
    HWY_INLINE explicit Lanes(Floats v) { hn::Store(v, F(), values); }
    HWY_INLINE Floats operator[](std::size_t lane) const { return hn::Set(F(), values[lane]); }
    HWY_ALIGN float values[kLanes];
  };

  [[nodiscard]] HWY_INLINE Floats part(std::size_t block, std::size_t p) const {
    return hn::LoadU(F(), values_ + block * kBlock + p * kLanes);
  }

  // of(block) of each block, its lanes combined, in the block's lane.
  template <class Of, class Combine>
  [[nodiscard]] HWY_INLINE auto each(const Of& of, const Combine& combine) const {
    using V = decltype(of(0));
    V all[kLanes];
    if (count_ == kLanes) {
      unroll<kLanes>([&](std::size_t block) GGML_PACKED_INLINE { all[block] = of(block); });
    } else {
      for (std::size_t block = 0; block < kLanes; ++block) all[block] = of(std::min(block, count_ - 1));
    }
    return across(all, combine);
  }

  // x / scale as a whole number, where a float32's last place is worth 1.
  static HWY_INLINE Floats rounded(Floats x, Floats per_scale) {
    return hn::MulAdd(x, per_scale, hn::Set(F(), kExactValue));
  }
  // Compared as whole numbers, among which NaN is the largest; as large as a scale needs at least.
  [[nodiscard]] HWY_INLINE Floats largest_magnitudes() const {
    const I i;
    const auto larger = [](Ints a, Ints b) GGML_PACKED_INLINE { return hn::Max(a, b); };
    const auto of = [&](std::size_t block) GGML_PACKED_INLINE {
      Ints most = hn::Zero(i);
      unroll<kParts>([&](std::size_t p) GGML_PACKED_INLINE {
        most = larger(most, hn::And(hn::BitCast(i, part(block, p)), hn::Set(i, 0x7FFFFFFF)));
      });
      return most;
    };
    return hn::BitCast(F(), larger(each(of, larger), hn::BitCast(i, hn::Set(F(), kMinScale * 128))));
  }

  struct Scales {
    Floats scale, per_scale;  // and its reciprocal
    Floats error;
  };

  static HWY_INLINE Scales exact_scales(Floats largest) {
    const F f;
    return {hn::Mul(largest, hn::Set(f, 1 / 127.0F)), hn::Div(hn::Set(f, 127), largest), hn::Zero(f)};
  }

  // Of each block's values, in the square of their scale.
  [[nodiscard]] HWY_INLINE Floats squared_errors(Floats per_scale) const {
    const Lanes per_scales(per_scale);
    return each(
        [&](std::size_t block) GGML_PACKED_INLINE {
          const F f;
          const Floats per = per_scales[block];
          Floats sum = hn::Zero(f);
          unroll<kParts>([&](std::size_t p) GGML_PACKED_INLINE {
            const Floats x = part(block, p);
            const Floats error = hn::MulSub(x, per, hn::Sub(rounded(x, per), hn::Set(f, kExactValue)));
            sum = hn::MulAdd(error, error, sum);
          });
          return sum;
        },
        [](Floats a, Floats b) GGML_PACKED_INLINE { return hn::Add(a, b); });
  }

  [[nodiscard]] HWY_INLINE Scales nearest_scales(Floats largest) const {
    const F f;
    constexpr float kRoundedTo127 = 127.49F;
    const Floats least = scale_from(hn::Min(hn::Mul(largest, hn::Set(f, 1 / kRoundedTo127)), hn::Set(f, kMaxScale)));
    const Floats one = hn::Set(f, 1), per_least = hn::Div(one, least);
    Scales nearest{least, per_least, squared_errors(per_least)};
    Floats next = least;
    for (int tried = 1; tried < kTriedScales; ++tried) {
      next = scale_after(next);
      const Floats per_next = hn::Div(one, next), ratio = hn::Mul(next, per_least);
      const Floats error = hn::Mul(hn::Mul(ratio, ratio), squared_errors(per_next));
      const auto is_nearer = hn::Lt(error, nearest.error);
      nearest = {hn::IfThenElse(is_nearer, next, nearest.scale), hn::IfThenElse(is_nearer, per_next, nearest.per_scale),
                 hn::IfThenElse(is_nearer, error, nearest.error)};
    }
    return nearest;
  }

  // Stores the values as multiples of the scales. Result: the sum of each block's.
  [[nodiscard]] HWY_INLINE Ints store_quants(Floats per_scale, std::int8_t* quants) const {
    const Lanes per_scales(per_scale);
    return each(
        [&](std::size_t block) GGML_PACKED_INLINE {
          const I i;
          const hn::Rebind<std::uint32_t, F> u;
          const hn::Rebind<std::uint8_t, F> bytes;
          const Floats per = per_scales[block];
          auto* to = reinterpret_cast<std::uint8_t*>(quants) + block * kBlock;
          Ints sum = hn::Zero(i);
          unroll<kParts>([&](std::size_t p) GGML_PACKED_INLINE {
            const auto q = rounded(part(block, p), per);  // its lowest byte is the whole number
            hn::StoreU(hn::TruncateTo(bytes, hn::BitCast(u, q)), bytes, to + p * kLanes);
            sum = hn::Add(sum, hn::Sub(hn::BitCast(i, q), hn::Set(i, kExact)));
          });
          return sum;
        },
        [](Ints a, Ints b) GGML_PACKED_INLINE { return hn::Add(a, b); });
  }

  HWY_INLINE void store(Floats scale, Floats zero, Floats start, Floats sum, BlockScale* to) const {
    static_assert(sizeof(BlockScale) == 4 * sizeof(float));
    const F f;
    HWY_ALIGN float all[4 * kLanes];
    hn::StoreInterleaved4(scale, zero, start, sum, f, all);
    std::memcpy(to, all, count_ * sizeof(BlockScale));
  }

 public:
  BlocksToQuantize(const float* values, std::size_t count) : values_(values), count_(count) {}

  template <Mantissas kMantissas>
  HWY_INLINE void quantize(std::int8_t* quants, BlockScale* scales) const {
    const F f;
    const I i;
    const Floats largest = largest_magnitudes();
    const Scales found = kMantissas == Mantissas::Any ? exact_scales(largest) : nearest_scales(largest);
    const Ints total = store_quants(found.per_scale, quants);
    const Floats zero = hn::Mul(power_of_two(found.scale), hn::Set(f, kExactValue));
    const Ints start = hn::Sub(hn::BitCast(i, zero), hn::ShiftLeft<7>(total));
    const auto is_number = hn::Le(largest, hn::Set(f, kMaxScale * 127));
    const Floats nan = hn::Set(f, std::numeric_limits<float>::quiet_NaN());
    const Floats scale = hn::IfThenElse(is_number, found.scale, nan);
    store(scale, hn::IfThenElse(is_number, zero, nan), hn::BitCast(f, start), hn::Mul(scale, hn::ConvertTo(f, total)),
          scales);
  }

 private:
  const float* values_;
  std::size_t count_;
};

// Source   ggml's quantize_row_q8_0: the largest magnitude of 32 becomes 127. Our scale stays float32.
//
// Where scales have few mantissas: the least with which it becomes 127, or one of the next three, whichever has the 32
// nearest to what they were. Together they are as near as with ggml's scale: that a scale of 16 mantissas is 2 % too
// large on average costs 7 % of the squared errors, and the choice of four saves as much, since 32 errors add up to
// sometimes more and sometimes less (normal numbers 0.994 of ggml's, inputs of MiniLM's layers 0.990 to 1.008).
template <Mantissas kMantissas>
void quantize(const float* values, std::size_t count, std::int8_t* quants, BlockScale* scales) {
  const std::size_t blocks = count / kBlock;
  for (std::size_t block = 0; block < blocks; block += kLanes) {
    BlocksToQuantize(values + block * kBlock, std::min(kLanes, blocks - block))
        .quantize<kMantissas>(quants + block * kBlock, scales + block);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();
#endif

#endif
