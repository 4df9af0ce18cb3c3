// The types in which tensors lie in a GGUF file.
#pragma once

#include <cstdint>
#include <string_view>

namespace llama::internal {

struct TensorType {
  std::string_view name;    // "" for a number that stands for no type
  std::uint32_t block = 0;  // elements
  std::uint32_t bytes = 0;  // of one block; 0 for a type that llama.cpp has dropped
  bool is_weight = true;    // no: llama.cpp computes with it but crashes on a matrix of it
};

constexpr std::uint32_t kF32 = 0;

[[nodiscard]] TensorType tensor_type(std::uint32_t type);

}  // namespace llama::internal
