#include "format/packed_matrix.h"

#include <ggml.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "format/block.h"
#include "format/blocks_of_4_bits.h"
#include "format/weight_values.h"

namespace ggml_packed {
namespace {

// Not in huge pages: they made no product faster (0.6B, 100 texts: 7.85 s of processor time, 7.92 with small ones), and
// a virtual machine whose free pages go back to its host waits a second for them.
constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

std::size_t panel_size(const Layout& layout, std::size_t columns) {
  const std::size_t panel_rows = layout.panel_rows;
  switch (layout.format) {
    case Format::Int8:
      return columns / kBlock * panel_rows * (sizeof(ggml_fp16_t) + kBlock);
    case Format::Int4:
      return columns / kBlock * panel_rows * (2 * sizeof(ggml_fp16_t) + kBlock / 2);
    case Format::Bf16:
      return round_up(columns, 2) * panel_rows * sizeof(ggml_bf16_t);
    case Format::F32:
      return columns * panel_rows * sizeof(float);
  }
  return 0;
}

constexpr std::size_t kQ8Size = sizeof(ggml_fp16_t) + kBlock;

// Types whose blocks of 32 begin with their one scale, and whose values are whole multiples of it.
bool has_whole_multiples(enum ggml_type type) {
  return type == GGML_TYPE_Q4_0 || type == GGML_TYPE_Q5_0 || type == GGML_TYPE_IQ4_NL;
}

// A row of another quantized type as Q8_0: exact for those above; else with the error of 8 bits, which is small beside
// that of the type.
void to_q8(const std::byte* row, enum ggml_type type, std::size_t columns, std::byte* out) {
  std::vector<float> values(columns);
  ggml_get_type_traits(type)->to_float(row, values.data(), static_cast<std::int64_t>(columns));
  if (!has_whole_multiples(type)) {
    ggml_quantize_chunk(GGML_TYPE_Q8_0, values.data(), out, 0, 1, static_cast<std::int64_t>(columns), nullptr);
    return;
  }
  for (std::size_t block = 0; block < columns / kBlock; ++block, out += kQ8Size) {
    const std::byte* scale = row + block * ggml_type_size(type);
    ggml_fp16_t half;
    std::memcpy(&half, scale, sizeof half);
    const float step = ggml_fp16_to_fp32(half);
    std::memcpy(out, scale, sizeof half);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const float multiple = step == 0 ? 0.0F : std::nearbyint(values[block * kBlock + i] / step);
      out[sizeof half + i] = static_cast<std::byte>(static_cast<std::int8_t>(multiple));
    }
  }
}

// Where in a block's values each of a row's columns begins, `unit` columns of them at a time; the next row's are
// int8_group farther.
template <std::size_t Count>
std::array<std::size_t, Count> places_of_columns(const Layout& layout, std::size_t unit) {
  std::array<std::size_t, Count> places;
  for (std::size_t i = 0; i < Count; ++i) {
    const std::size_t column = i * unit;
    places[i] = column / layout.int8_group * layout.panel_rows * layout.int8_group + column % layout.int8_group;
  }
  return places;
}

}  // namespace

void PackedMatrix::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

std::size_t PackedMatrix::size_of(const Layout& layout, std::size_t rows, std::size_t columns) {
  const std::size_t panels = round_up(rows, layout.panel_rows) / layout.panel_rows;
  const std::size_t sums = has_sums(layout) ? columns / kBlock * layout.panel_rows * panels * sizeof(std::int16_t) : 0;
  return round_up(panel_size(layout, columns), kAlignment) * panels + round_up(sums, kAlignment);
}

PackedMatrix::PackedMatrix(const Layout& layout, std::size_t most_rows, std::size_t columns)
    : layout_(layout),
      rows_(most_rows),
      columns_(columns),
      panel_bytes_(round_up(panel_size(layout, columns), kAlignment)),
      data_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, size_bytes()))) {
  if (!data_) throw std::bad_alloc();
}

PackedMatrix::PackedMatrix(const ggml_tensor& weights, const Layout& layout, ThreadTeam& team)
    : PackedMatrix(layout, static_cast<std::size_t>(weights.ne[1]), static_cast<std::size_t>(weights.ne[0])) {
  pack(weights, team);
}

void PackedMatrix::pack(const ggml_tensor& weights, ThreadTeam& team) {
  rows_ = static_cast<std::size_t>(weights.ne[1]);
  team.for_each_at_home(panels(), [&](std::size_t panel) {
    const std::size_t first = panel * layout_.panel_rows, count = std::min(layout_.panel_rows, rows_ - first);
    const auto* rows = static_cast<const std::byte*>(weights.data) + first * weights.nb[1];
    if (layout_.format == Format::Int4) {
      pack_int4(rows, weights.nb[1], weights.type, count, panel);
    } else if (layout_.format == Format::Int8 && weights.type == GGML_TYPE_Q8_0) {
      pack_int8(rows, weights.nb[1], count, panel);
    } else if (layout_.format == Format::Int8) {
      const std::size_t row_size = ggml_row_size(GGML_TYPE_Q8_0, weights.ne[0]);
      std::vector<std::byte> q8(row_size * count);
      for (std::size_t row = 0; row < count; ++row) {
        to_q8(rows + row * weights.nb[1], weights.type, columns_, q8.data() + row * row_size);
      }
      pack_int8(q8.data(), row_size, count, panel);
    } else {
      pack_floats(weights, panel);
    }
  });
}

// No CPU follows 32 rows at once by itself.
constexpr std::size_t kBytesAhead = 256;

namespace hn = hwy::HWY_NAMESPACE;

// What a row's block adds to the sums: 0 to -4096.
std::int16_t sum_of_negatives(const std::byte* values) {
  const hn::Full128<std::int8_t> d;
  const hn::Full128<std::uint8_t> magnitudes;
  const auto zero = hn::Zero(d);
  auto sums = hn::Zero(hn::Full128<std::uint64_t>());
  for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
    const auto part = hn::LoadU(d, reinterpret_cast<const std::int8_t*>(values) + i);
    const auto negated = hn::IfThenElseZero(hn::Lt(part, zero), hn::Sub(zero, part));  // -128 becomes 128 without sign
    sums = hn::Add(sums, hn::SumsOf8(hn::BitCast(magnitudes, negated)));
  }
  return static_cast<std::int16_t>(-static_cast<std::int64_t>(hn::ReduceSum(hn::Full128<std::uint64_t>(), sums)));
}

// The blocks of four rows, four columns of each side by side; the next four columns lie `pitch` bytes farther.
void interleave(const std::array<const std::byte*, 4>& rows, std::uint32_t flip, std::byte* to, std::size_t pitch) {
  const hn::Full128<std::uint32_t> d;
  const hn::Full128<std::uint64_t> pairs;
  const auto flips = hn::Set(d, flip);
  const auto store = [&](auto fours, std::size_t at) {
    hn::StoreU(hn::BitCast(d, fours), d, reinterpret_cast<std::uint32_t*>(to + at * pitch));
  };
  for (std::size_t at = 0; at < kBlock / 4; at += hn::Lanes(d)) {
    const auto row = [&](std::size_t i) {
      return hn::Xor(hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(rows[i]) + at), flips);
    };
    const auto first = row(0), second = row(1), third = row(2), fourth = row(3);
    const auto low = hn::BitCast(pairs, hn::InterleaveLower(d, first, second)),
               high = hn::BitCast(pairs, hn::InterleaveUpper(d, first, second)),
               next_low = hn::BitCast(pairs, hn::InterleaveLower(d, third, fourth)),
               next_high = hn::BitCast(pairs, hn::InterleaveUpper(d, third, fourth));
    store(hn::InterleaveLower(pairs, low, next_low), at);
    store(hn::InterleaveUpper(pairs, low, next_low), at + 1);
    store(hn::InterleaveLower(pairs, high, next_high), at + 2);
    store(hn::InterleaveUpper(pairs, high, next_high), at + 3);
  }
}

// Per block: the scales of all rows, then a group of columns of all rows at a time. `rows`: Q8_0.
void PackedMatrix::pack_int8(const std::byte* rows, std::size_t row_size, std::size_t count, std::size_t panel) {
  constexpr std::size_t kRows = 4;
  static constexpr std::array<std::byte, kQ8Size> kNone{};  // where the matrix ends
  const std::size_t panel_rows = layout_.panel_rows, group = layout_.int8_group, blocks = columns_ / kBlock;
  const auto places = places_of_columns<kBlock / 4>(layout_, 4);
  const std::uint32_t flip = layout_.int8_sign == Int8Sign::PlusTo128 ? 0x80808080U : 0U;
  std::byte* scales = data_.get() + panel * panel_bytes_;
  std::byte* sums = has_sums(layout_) ? data_.get() + sums_begin(panel) : nullptr;
  for (std::size_t block = 0; block < blocks; ++block) {
    std::byte* const values = scales + panel_rows * sizeof(ggml_fp16_t);
    for (std::size_t first = 0; first < panel_rows; first += kRows) {
      std::array<const std::byte*, kRows> from;  // their values
      for (std::size_t i = 0; i < kRows; ++i) {
        const std::size_t row = first + i;
        const std::byte* begin = row < count ? rows + row * row_size + block * kQ8Size : kNone.data();
        if (row < count) __builtin_prefetch(begin + kBytesAhead);
        std::memcpy(scales + row * sizeof(ggml_fp16_t), begin, sizeof(ggml_fp16_t));
        from[i] = begin + sizeof(ggml_fp16_t);
        if (sums == nullptr) continue;
        const std::int16_t sum = sum_of_negatives(from[i]);
        std::memcpy(sums, &sum, sizeof sum);
        sums += sizeof sum;
      }
      if (group == 4) {
        interleave(from, flip, values + first * group, panel_rows * group);
        continue;
      }
      for (std::size_t i = 0; i < kRows; ++i) {
        for (std::size_t column = 0; column < places.size(); ++column) {
          std::uint32_t four;
          std::memcpy(&four, from[i] + column * sizeof four, sizeof four);
          four ^= flip;
          std::memcpy(values + places[column] + (first + i) * group, &four, sizeof four);
        }
      }
    }
    scales = values + panel_rows * kBlock;
  }
}

// Per block: the scales of all rows, their minimums, then the lower and upper halves of bytes for a group of columns
// each.
void PackedMatrix::pack_int4(const std::byte* rows, std::size_t row_size, enum ggml_type type, std::size_t count,
                             std::size_t panel) {
  std::byte* out = data_.get() + panel * panel_bytes_;
  const std::size_t panel_rows = layout_.panel_rows, group = layout_.int8_group, blocks = columns_ / kBlock,
                    block_bytes = panel_rows * (2 * sizeof(ggml_fp16_t) + kBlock / 2);
  const auto places = places_of_columns<kBlock / 2>(layout_, 1);
  std::memset(out, 0, panel_bytes_);
  std::vector<Block4> row_blocks(blocks);
  for (std::size_t row = 0; row < count; ++row) {
    read_blocks_of_4_bits(rows + row * row_size, type, row_blocks);
    for (std::size_t block = 0; block < blocks; ++block) {
      const Block4& from = row_blocks[block];
      std::byte* to = out + block * block_bytes;
      std::memcpy(to + row * sizeof from.scale, &from.scale, sizeof from.scale);
      std::memcpy(to + (panel_rows + row) * sizeof from.minimum, &from.minimum, sizeof from.minimum);
      std::byte* values = to + panel_rows * 2 * sizeof(ggml_fp16_t) + row * group;
      for (std::size_t i = 0; i < kBlock / 2; ++i) {
        const auto low = from.values[i], high = from.values[kBlock / 2 + i];
        values[places[i]] = static_cast<std::byte>(low | high << 4U);
      }
    }
  }
}

// Some columns of all rows at a time, which fit the first cache: then the panel is written from its begin to its end.
void PackedMatrix::pack_floats(const ggml_tensor& weights, std::size_t panel) {
  constexpr std::size_t kColumns = 256, kPitch = kColumns + 16;  // rows must not share lines of a cache
  const bool wide = layout_.format == Format::F32;
  const std::size_t first = panel * layout_.panel_rows, panel_rows = layout_.panel_rows;
  const std::size_t count = std::min(panel_rows, rows_ - first);
  std::byte* out = data_.get() + panel * panel_bytes_;
  std::vector<float> values(wide ? panel_rows * kPitch : kColumns);
  std::vector<std::uint16_t> rounded(wide ? 0 : panel_rows * kPitch);  // bfloat16, in pairs of columns
  for (std::size_t begin = 0; begin < columns_; begin += kColumns) {
    const std::size_t columns = std::min(kColumns, columns_ - begin);
    for (std::size_t row = 0; row < count; ++row) {
      float* const to = wide ? values.data() + row * kPitch : values.data();
      read_weights(weights, first + row, begin, columns, to);
      if (!wide) round_to_bf16(to, columns, rounded.data() + row * kPitch);
    }
    const std::size_t steps = wide ? columns : (columns + 1) / 2;
    for (std::size_t step = 0; step < steps; ++step, out += panel_rows * sizeof(float)) {
      for (std::size_t row = 0; row < panel_rows; ++row) {
        const void* const from = wide ? static_cast<const void*>(values.data() + row * kPitch + step)
                                      : rounded.data() + row * kPitch + step * 2;
        std::memcpy(out + row * sizeof(float), from, sizeof(float));
      }
    }
  }
}

}  // namespace ggml_packed
