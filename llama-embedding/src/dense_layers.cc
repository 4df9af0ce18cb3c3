#include "llama-embedding/dense_layers.h"

#include <algorithm>
#include <format>

namespace llama {

std::string_view to_string(DenseLayers layers) {
  switch (layers) {
    case DenseLayers::Applied:
      return "applied";
    case DenseLayers::Missing:
      return "missing";
    case DenseLayers::None:
      break;
  }
  return "none";
}

Result<DenseLayers> find_dense_layers(std::string_view architecture, std::span<const GgufTensor> tensors) {
  if (architecture != "gemma-embedding") return DenseLayers::None;
  const auto first = std::ranges::find(tensors, "dense_2.weight", &GgufTensor::name);
  const auto second = std::ranges::find(tensors, "dense_3.weight", &GgufTensor::name);
  if (first == tensors.end() && second == tensors.end()) return DenseLayers::Missing;
  if (first == tensors.end() || second == tensors.end()) {
    return fail(ErrorCode::InvalidModel, std::format("of the two dense layers after pooling, {} is missing",
                                                     first == tensors.end() ? "dense_2.weight" : "dense_3.weight"));
  }
  if (first->shape[1] != second->shape[0]) {
    return fail(ErrorCode::InvalidModel, std::format("dense_2.weight gives {} values and dense_3.weight takes {}",
                                                     first->shape[1], second->shape[0]));
  }
  return DenseLayers::Applied;
}

}  // namespace llama
