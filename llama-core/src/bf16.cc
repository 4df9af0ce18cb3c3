#include "llama-core/bf16.h"

#include <ggml-backend.h>
#include <llama.h>

#include <format>
#include <string_view>

#include "llama-core/backend.h"
#include "llama-core/log.h"
#include "llama-core/processor.h"

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

Result<void> write_as_bf16(const std::filesystem::path& input, const std::filesystem::path& output, int threads) {
  if (auto started = start_backends(); !started) return started;
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.nthread = threads > 0 ? threads : default_threads();
  params.ftype = LLAMA_FTYPE_MOSTLY_BF16;
  params.allow_requantize = true;
  params.max_buf_size = std::size_t{256} << 20;  // of memory; the file is written as it goes
  internal::take_first_log_error();
  if (llama_model_quantize(input.c_str(), output.c_str(), &params) == 0) return {};
  const std::string reason = internal::take_first_log_error();
  return fail(ErrorCode::InvalidModel, std::format("model '{}' could not be written as BF16{}{}", input.string(),
                                                   reason.empty() ? "" : ": ", reason));
}

}  // namespace llama
