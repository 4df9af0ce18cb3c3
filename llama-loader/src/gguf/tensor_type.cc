#include "gguf/tensor_type.h"

#include <iterator>

namespace llama::internal {
namespace {

constexpr TensorType computes_only(std::string_view name, std::uint32_t block, std::uint32_t bytes) {
  return {name, block, bytes, false};
}
constexpr TensorType dropped(std::string_view name) { return {name, 0, 0, false}; }

// Source   ggml.h, enum ggml_type, and the block structs of ggml-common.h (ggml 0.27).
constexpr TensorType kTypes[] = {
    /* 0 */ {"F32", 1, 4},
    {"F16", 1, 2},
    {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},
    dropped("Q4_2"),
    dropped("Q4_3"),
    {"Q5_0", 32, 22},
    {"Q5_1", 32, 24},
    /* 8 */ {"Q8_0", 32, 34},
    computes_only("Q8_1", 32, 36),
    {"Q2_K", 256, 84},
    {"Q3_K", 256, 110},
    {"Q4_K", 256, 144},
    {"Q5_K", 256, 176},
    {"Q6_K", 256, 210},
    computes_only("Q8_K", 256, 292),
    /* 16 */ {"IQ2_XXS", 256, 66},
    {"IQ2_XS", 256, 74},
    {"IQ3_XXS", 256, 98},
    {"IQ1_S", 256, 50},
    {"IQ4_NL", 32, 18},
    {"IQ3_S", 256, 110},
    {"IQ2_S", 256, 82},
    {"IQ4_XS", 256, 136},
    /* 24 */ computes_only("I8", 1, 1),
    computes_only("I16", 1, 2),
    computes_only("I32", 1, 4),
    computes_only("I64", 1, 8),
    computes_only("F64", 1, 8),
    {"IQ1_M", 256, 56},
    {"BF16", 1, 2},
    dropped("Q4_0_4_4"),
    /* 32 */ dropped("Q4_0_4_8"),
    dropped("Q4_0_8_8"),
    {"TQ1_0", 256, 54},
    {"TQ2_0", 256, 66},
    dropped("IQ4_NL_4_4"),
    dropped("IQ4_NL_4_8"),
    dropped("IQ4_NL_8_8"),
    {"MXFP4", 32, 17},
    /* 40 */ {"NVFP4", 64, 36},
    {"Q1_0", 128, 18},
    {"Q2_0", 64, 18},
};

}  // namespace

TensorType tensor_type(std::uint32_t type) { return type < std::size(kTypes) ? kTypes[type] : TensorType{}; }

}  // namespace llama::internal
