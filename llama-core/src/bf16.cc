#include "llama-core/bf16.h"

#include <ggml-backend.h>

#include <string_view>

#include "llama-core/backend.h"

namespace llama {

bool multiplies_bf16() {
  if (!start_backends()) return false;
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return false;
  auto* get_features = reinterpret_cast<ggml_backend_get_features_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_get_features"));
  if (get_features == nullptr) return false;
  for (auto* feature = get_features(ggml_backend_dev_backend_reg(cpu)); feature->name != nullptr; ++feature) {
    if (std::string_view(feature->name) == "AVX512_BF16") return std::string_view(feature->value) == "1";
  }
  return false;
}

}  // namespace llama
