// The types of ggml's that have 4 bits for a value and one scale and minimum for 32 of them.
//
// Source   ggml's block_q4_0, block_q4_1 and block_q4_K.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "format/block.h"

namespace ggml_packed {

// 32 values: scale * values[i] - minimum.
struct Block4 {
  ggml_fp16_t scale, minimum;
  std::uint8_t values[kBlock];
};

[[nodiscard]] bool has_blocks_of_4_bits(enum ggml_type type);
// Q4_K's scales and minimums are products of two numbers there; here they are rounded to float16.
void read_blocks_of_4_bits(const std::byte* row, enum ggml_type type, std::span<Block4> blocks);

}  // namespace ggml_packed
