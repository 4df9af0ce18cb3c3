#include "packed_matrix.h"

#include <ggml.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "block.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

std::size_t panel_size(Format format, std::size_t panel_rows, std::size_t columns) {
  switch (format) {
    case Format::Int8:
      return columns / kBlock * panel_rows * (sizeof(ggml_fp16_t) + kBlock);
    case Format::Bf16:
      return round_up(columns, 2) * panel_rows * sizeof(ggml_bf16_t);
    case Format::F32:
      return columns * panel_rows * sizeof(float);
  }
  return 0;
}

}  // namespace

void PackedMatrix::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

PackedMatrix::PackedMatrix(const ggml_tensor& weights, Format format, std::size_t panel_rows, Int8Sign sign,
                           ThreadTeam& team)
    : format_(format),
      rows_(static_cast<std::size_t>(weights.ne[1])),
      columns_(static_cast<std::size_t>(weights.ne[0])),
      panel_rows_(panel_rows),
      panel_bytes_(round_up(panel_size(format, panel_rows, columns_), kAlignment)),
      data_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, size_bytes()))) {
  if (!data_) throw std::bad_alloc();
  team.for_each(panels(), [&](std::size_t panel) {
    if (format_ == Format::Int8) {
      pack_int8(weights, panel, sign);
    } else {
      pack_floats(weights, panel);
    }
  });
}

// Per block: the scales of all rows, then four columns of all rows at a time.
void PackedMatrix::pack_int8(const ggml_tensor& weights, std::size_t panel, Int8Sign sign) {
  std::byte* out = data_.get() + panel * panel_bytes_;
  const std::size_t first = panel * panel_rows_;
  const std::size_t count = std::min(panel_rows_, rows_ - first);
  const std::uint32_t flip = sign == Int8Sign::PlusTo128 ? 0x80808080U : 0U;
  const auto* source = static_cast<const std::byte*>(weights.data);
  for (std::size_t block = 0; block < columns_ / kBlock; ++block) {
    std::byte* scales = out;
    std::byte* values = out + panel_rows_ * sizeof(ggml_fp16_t);
    for (std::size_t row = 0; row < panel_rows_; ++row) {
      ggml_fp16_t scale = 0;
      std::uint32_t fours[kBlock / 4] = {};
      if (row < count) {
        const std::byte* from = source + (first + row) * weights.nb[1] + block * (sizeof(ggml_fp16_t) + kBlock);
        std::memcpy(&scale, from, sizeof scale);
        std::memcpy(fours, from + sizeof scale, sizeof fours);
      }
      std::memcpy(scales + row * sizeof scale, &scale, sizeof scale);
      for (std::size_t step = 0; step < kBlock / 4; ++step) {
        const std::uint32_t four = fours[step] ^ flip;
        std::memcpy(values + (step * panel_rows_ + row) * 4, &four, 4);
      }
    }
    out = values + panel_rows_ * kBlock;
  }
}

void PackedMatrix::pack_floats(const ggml_tensor& weights, std::size_t panel) {
  std::byte* out = data_.get() + panel * panel_bytes_;
  const std::size_t first = panel * panel_rows_;
  const std::size_t count = std::min(panel_rows_, rows_ - first);
  const auto* source = static_cast<const std::byte*>(weights.data);
  const auto to_float = ggml_get_type_traits(weights.type)->to_float;
  std::memset(out, 0, panel_bytes_);
  std::vector<float> row_values(columns_);
  for (std::size_t row = 0; row < count; ++row) {
    const std::byte* from = source + (first + row) * weights.nb[1];
    if (weights.type == GGML_TYPE_F32) {
      std::memcpy(row_values.data(), from, columns_ * sizeof(float));
    } else {
      to_float(from, row_values.data(), static_cast<std::int64_t>(columns_));
    }
    if (format_ == Format::F32) {
      auto* values = reinterpret_cast<float*>(out);
      for (std::size_t k = 0; k < columns_; ++k) values[k * panel_rows_ + row] = row_values[k];
    } else {  // pairs of columns
      auto* values = reinterpret_cast<ggml_bf16_t*>(out);
      for (std::size_t k = 0; k < columns_; ++k) {
        values[(k / 2 * panel_rows_ + row) * 2 + k % 2] = ggml_fp32_to_bf16(row_values[k]);
      }
    }
  }
}

}  // namespace ggml_packed
