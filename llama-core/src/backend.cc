#include "llama-core/backend.h"

#include <ggml-backend.h>
#include <llama.h>

#include <mutex>

#include "llama-core/kernels.h"
#include "llama-core/log.h"
#include "plugin_path.h"

namespace llama {

Result<void> start_backends(const std::optional<std::filesystem::path>& directory) {
  static std::once_flag once;
  static bool has_cpu = false;
  std::call_once(once, [&] {
    internal::capture_log();
    if (const auto folder = directory ? directory : internal::find_back_ends()) {
      ggml_backend_load_all_from_path(folder->c_str());
    } else {
      ggml_backend_load_all();
    }
    internal::load_kernels();
    llama_backend_init();
    has_cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) != nullptr;
  });
  if (!has_cpu)
    return fail(ErrorCode::Internal, "llama.cpp found no CPU back end: are ggml's back-end libraries installed?");
  return {};
}

}  // namespace llama
