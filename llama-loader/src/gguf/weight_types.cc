#include "gguf/weight_types.h"

#include <format>
#include <string_view>

#include "gguf/header_reader.h"
#include "gguf/tensor_type.h"

namespace llama::internal {
namespace {

// Added to or multiplied with activations, which are F32.
bool must_be_f32(const GgufTensor& tensor) {
  const std::string_view name = tensor.name;
  return name.ends_with("norm.weight") || name == "token_types.weight" ||
         (name.ends_with(".bias") && tensor.shape[1] == 1);
}

bool is_weight(std::string_view name) { return name.ends_with(".weight") && !name.contains("tid2eid"); }

}  // namespace

Result<void> check_weight_types(std::span<const GgufHeader> headers, std::span<const std::filesystem::path> files) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    for (const GgufTensor& tensor : headers[i].tensors) {
      const bool plain = must_be_f32(tensor);
      if (tensor.type == kF32 || (!plain && !is_weight(tensor.name))) continue;
      const TensorType type = tensor_type(tensor.type);
      if (plain || !type.is_weight)
        return fail(ErrorCode::InvalidModel,
                    std::format("model '{}': llama.cpp cannot compute with tensor '{}' in type {}{}", files[i].string(),
                                shown(tensor.name), type.name, plain ? ", only in F32" : ""));
    }
  }
  return {};
}

}  // namespace llama::internal
