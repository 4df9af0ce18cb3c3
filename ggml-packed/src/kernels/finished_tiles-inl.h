// What becomes of a tile of results: finished (Epilogue) and stored. Included once per target.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstring>

#if defined(GGML_PACKED_FINISHED_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_FINISHED_TILES_INL_H
#undef GGML_PACKED_FINISHED_TILES_INL_H
#else
#define GGML_PACKED_FINISHED_TILES_INL_H
#endif

#include "kernels/float_math-inl.h"
#include "kernels/kernels.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE std::int32_t four_bytes(const void* at) {
  std::int32_t four;
  std::memcpy(&four, at, 4);
  return four;
}

struct Tile {
  const std::byte* panel;
  std::size_t columns;                          // of the weights: the length of the sums
  std::size_t first;                            // column of the output
  std::size_t count;                            // of the panel's rows that are the matrix's
  const std::int16_t* negative_sums = nullptr;  // PackedMatrix's
  const float* scales = nullptr;                // scales_to_look_up()'s
};

HWY_INLINE void fetch_line(const float* at, bool to_write) {
#if HWY_ARCH_X86
  if (to_write) {
    asm volatile("prefetchw %0" : : "m"(*at));
    return;
  }
#endif
  (void)to_write;
  hwy::Prefetch(at);
}

// Asks for the cache lines that a tile will read and write when it is finished, before its products begin: rows lie
// kilobytes apart, where no CPU looks ahead, and a store that waits for its line holds up every later one.
HWY_INLINE void fetch_results(const Tile& tile, std::size_t row, std::size_t rows, const Output& output) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  const Epilogue& e = output.epilogue;
  for (std::size_t m = row; m < row + rows; ++m) {
    const std::size_t place = output.places != nullptr ? output.places[m] : m;
    for (std::size_t column = 0; column < tile.count; column += kLine) {
      fetch_line(output.data + place * output.stride + tile.first + column, true);
      if (e.factor != nullptr) fetch_line(e.factor + place * e.factor_stride + tile.first + column, false);
      if (e.addend != nullptr) fetch_line(e.addend + place * e.addend_stride + tile.first + column, false);
    }
  }
}

// One vector of a row of results, finished and stored.
HWY_INLINE void store(Floats value, const Output& output, std::size_t row, std::size_t column, std::size_t count) {
  const F f;
  const Epilogue& e = output.epilogue;
  const auto load = [&](const float* from)
                        HWY_ATTR { return count >= kLanes ? hn::LoadU(f, from) : hn::LoadN(f, from, count); };
  if (e.bias != nullptr) value = hn::Add(value, load(e.bias + column));
  value = activate(f, e.activation, value);
  if (e.factor != nullptr) {
    value = hn::Mul(value, activate(f, e.factor_activation, load(e.factor + row * e.factor_stride + column)));
  }
  if (e.addend != nullptr) value = hn::Add(value, load(e.addend + row * e.addend_stride + column));
  float* to = output.data + row * output.stride + column;
  if (count >= kLanes) {
    hn::StoreU(value, f, to);
  } else {
    hn::StoreN(value, f, to, count);
  }
}

// Is nothing to be done but adding what lies at each result's place, in a whole panel?
HWY_INLINE bool is_simple(const Tile& tile, const Output& output) {
  const Epilogue& e = output.epilogue;
  return tile.count == kPanelRows && output.places == nullptr && e.bias == nullptr && e.factor == nullptr &&
         e.activation == Activation::None;
}

// A whole panel whose rows stay where they are.
HWY_INLINE bool is_whole(const Tile& tile, const Output& output) {
  return tile.count == kPanelRows && output.places == nullptr;
}

// Both vectors of a row side by side, with what is the same for all rows decided and loaded once.
template <class Activate, class ActivateFactor>
HWY_INLINE void finish_rows(const float* sums, std::size_t rows, std::size_t first, std::size_t row,
                            const Output& output, const Activate& activate_sum, const ActivateFactor& activate_factor) {
  static_assert(kVectors == 2);
  const F f;
  const Epilogue& e = output.epilogue;
  const auto row_of = [&](const float* values, std::size_t stride) {
    return values != nullptr ? values + row * stride + first : nullptr;
  };
  const float *factor = row_of(e.factor, e.factor_stride), *addend = row_of(e.addend, e.addend_stride);
  float* to = output.data + row * output.stride + first;
  Floats bias0 = hn::Zero(f), bias1 = bias0;
  if (e.bias != nullptr) {
    bias0 = hn::LoadU(f, e.bias + first);
    bias1 = hn::LoadU(f, e.bias + first + kLanes);
  }
  for (std::size_t m = 0; m < rows; ++m, sums += kPanelRows, to += output.stride) {
    Floats a = hn::Load(f, sums), b = hn::Load(f, sums + kLanes);
    if (e.bias != nullptr) {
      a = hn::Add(a, bias0);
      b = hn::Add(b, bias1);
    }
    a = activate_sum(a);
    b = activate_sum(b);
    if (factor != nullptr) {
      a = hn::Mul(a, activate_factor(hn::LoadU(f, factor)));
      b = hn::Mul(b, activate_factor(hn::LoadU(f, factor + kLanes)));
      factor += e.factor_stride;
    }
    if (addend != nullptr) {
      a = hn::Add(a, hn::LoadU(f, addend));
      b = hn::Add(b, hn::LoadU(f, addend + kLanes));
      addend += e.addend_stride;
    }
    hn::StoreU(a, f, to);
    hn::StoreU(b, f, to + kLanes);
  }
}

HWY_INLINE void finish_whole(const float* sums, std::size_t rows, const Tile& tile, std::size_t row,
                             const Output& output) {
  const F f;
  const auto as_it_is = [](Floats v) GGML_PACKED_INLINE { return v; };
  const auto gelu_of = [&](Floats v) GGML_PACKED_INLINE { return gelu(f, v); };
  const auto silu_of = [&](Floats v) GGML_PACKED_INLINE { return silu(f, v); };
  const Epilogue& e = output.epilogue;
  const auto finish_by = [&](const auto& of_sum, const auto& of_factor) GGML_PACKED_INLINE {
    finish_rows(sums, rows, tile.first, row, output, of_sum, of_factor);
  };
  const bool plain_factor = e.factor == nullptr || e.factor_activation == Activation::None;
  if (plain_factor && e.activation == Activation::None) return finish_by(as_it_is, as_it_is);
  if (plain_factor && e.activation == Activation::Gelu) return finish_by(gelu_of, as_it_is);
  if (plain_factor && e.activation == Activation::Silu) return finish_by(silu_of, as_it_is);
  if (e.activation == Activation::None && e.factor_activation == Activation::Silu) return finish_by(as_it_is, silu_of);
  finish_by([&](Floats v) GGML_PACKED_INLINE { return activate(f, e.activation, v); },
            [&](Floats v) GGML_PACKED_INLINE { return activate(f, e.factor_activation, v); });
}

HWY_NOINLINE void finish(const float* sums, std::size_t rows, const Tile& tile, std::size_t row, const Output& output) {
  const F f;
  if (is_simple(tile, output)) {
    const std::size_t addend_stride = output.epilogue.addend_stride;
    const float* addend = output.epilogue.addend;
    float* to = output.data + row * output.stride + tile.first;
    if (addend != nullptr) addend += row * addend_stride + tile.first;
    for (std::size_t m = 0; m < rows; ++m, sums += kPanelRows, to += output.stride) {
      Floats first = hn::Load(f, sums), second = hn::Load(f, sums + kLanes);
      if (addend != nullptr) {
        first = hn::Add(first, hn::LoadU(f, addend));
        second = hn::Add(second, hn::LoadU(f, addend + kLanes));
        addend += addend_stride;
      }
      hn::StoreU(first, f, to);
      hn::StoreU(second, f, to + kLanes);
    }
    return;
  }
  if (is_whole(tile, output)) return finish_whole(sums, rows, tile, row, output);
  for (std::size_t m = 0; m < rows; ++m, sums += kPanelRows) {
    const std::size_t place = output.places != nullptr ? output.places[row + m] : row + m;
    for (std::size_t column = 0; column < tile.count; column += kLanes) {
      store(hn::Load(f, sums + column), output, place, tile.first + column, tile.count - column);
    }
  }
}

// Other sums go through memory: an address taken of them would keep them out of the registers in the loops before.
template <std::size_t Rows>
HWY_INLINE void store_tile(const Floats (&sums)[Rows][kVectors], const Tile& tile, std::size_t row,
                           const Output& output) {
  const F f;
  if (is_simple(tile, output)) {
    float* to = output.data + row * output.stride + tile.first;
    if (const float* addend = output.epilogue.addend) {
      addend += row * output.epilogue.addend_stride + tile.first;
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const float* at = addend + m * output.epilogue.addend_stride;
        hn::StoreU(hn::Add(sums[m][0], hn::LoadU(f, at)), f, to + m * output.stride);
        hn::StoreU(hn::Add(sums[m][1], hn::LoadU(f, at + kLanes)), f, to + m * output.stride + kLanes);
      });
      return;
    }
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      hn::StoreU(sums[m][0], f, to + m * output.stride);
      hn::StoreU(sums[m][1], f, to + m * output.stride + kLanes);
    });
    return;
  }
  HWY_ALIGN float buffer[Rows * kPanelRows];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
    hn::Store(sums[m][0], f, buffer + m * kPanelRows);
    hn::Store(sums[m][1], f, buffer + m * kPanelRows + kLanes);
  });
  finish(buffer, Rows, tile, row, output);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
