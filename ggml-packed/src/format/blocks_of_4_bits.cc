#include "format/blocks_of_4_bits.h"

#include <cstring>

namespace ggml_packed {
namespace {

ggml_fp16_t half_at(const std::byte* at) {
  ggml_fp16_t half;
  std::memcpy(&half, at, sizeof half);
  return half;
}

// Lower halves first, then the upper ones: 16 and 16 values of 16 bytes.
void split(const std::byte* bytes, std::uint8_t (&values)[kBlock]) {
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    values[i] = std::to_integer<std::uint8_t>(bytes[i]) & 0x0FU;
    values[kBlock / 2 + i] = std::to_integer<std::uint8_t>(bytes[i] >> 4U);
  }
}

// A scale and 16 bytes; the values' zero is 8.
void read_q4_0(const std::byte* row, std::span<Block4> blocks) {
  for (Block4& block : blocks) {
    block.scale = half_at(row);
    block.minimum = ggml_fp32_to_fp16(8 * ggml_fp16_to_fp32(block.scale));
    split(row + 2, block.values);
    row += 2 + kBlock / 2;
  }
}

// A scale, what is added, and 16 bytes.
void read_q4_1(const std::byte* row, std::span<Block4> blocks) {
  for (Block4& block : blocks) {
    block.scale = half_at(row);
    block.minimum = ggml_fp32_to_fp16(-ggml_fp16_to_fp32(half_at(row + 2)));
    split(row + 4, block.values);
    row += 4 + kBlock / 2;
  }
}

// 256 values: a scale of scales, a scale of minimums, 12 bytes with eight of each in 6 bits, and 128 bytes: for each 64
// values the lower halves of 32 bytes, then their upper ones.
void read_q4_k(const std::byte* row, std::span<Block4> blocks) {
  constexpr std::size_t kOfSuperblock = 8;
  const auto byte = [](const std::byte* at, std::size_t i) { return std::to_integer<unsigned>(at[i]); };
  for (std::size_t first = 0; first < blocks.size(); first += kOfSuperblock) {
    const float scales = ggml_fp16_to_fp32(half_at(row)), minimums = ggml_fp16_to_fp32(half_at(row + 2));
    const std::byte *six = row + 4, *bytes = row + 16;
    for (std::size_t j = 0; j < kOfSuperblock; ++j) {
      const unsigned scale = j < 4 ? byte(six, j) & 63U : (byte(six, j + 4) & 15U) | (byte(six, j - 4) >> 6U) << 4U;
      const unsigned minimum = j < 4 ? byte(six, j + 4) & 63U : byte(six, j + 4) >> 4U | (byte(six, j) >> 6U) << 4U;
      Block4& block = blocks[first + j];
      block.scale = ggml_fp32_to_fp16(scales * static_cast<float>(scale));
      block.minimum = ggml_fp32_to_fp16(minimums * static_cast<float>(minimum));
      const std::byte* from = bytes + j / 2 * kBlock;
      for (std::size_t i = 0; i < kBlock; ++i) {
        block.values[i] = static_cast<std::uint8_t>(j % 2 == 0 ? byte(from, i) & 15U : byte(from, i) >> 4U);
      }
    }
    row += 16 + kOfSuperblock * kBlock / 2;
  }
}

}  // namespace

bool has_blocks_of_4_bits(enum ggml_type type) {
  return type == GGML_TYPE_Q4_0 || type == GGML_TYPE_Q4_1 || type == GGML_TYPE_Q4_K;
}

void read_blocks_of_4_bits(const std::byte* row, enum ggml_type type, std::span<Block4> blocks) {
  if (type == GGML_TYPE_Q4_0) return read_q4_0(row, blocks);
  if (type == GGML_TYPE_Q4_1) return read_q4_1(row, blocks);
  read_q4_k(row, blocks);
}

}  // namespace ggml_packed
