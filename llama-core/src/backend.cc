#include "llama-core/backend.h"

#include <ggml-backend.h>
#include <llama.h>

#include <cstdlib>
#include <mutex>

#include "back_end_folder.h"
#include "llama-core/kernels.h"
#include "llama-core/log.h"

namespace llama {
namespace {

void load_from(const std::filesystem::path& folder) {
  const auto library = internal::choose_cpu_back_end(folder);
  if (!library || ggml_backend_load(library->c_str()) == nullptr) {
    ggml_backend_load_all_from_path(folder.c_str());
    return;
  }
  // What ggml does with it after its own search.
  if (const char* path = std::getenv("GGML_BACKEND_PATH"); path != nullptr) ggml_backend_load(path);
}

}  // namespace

Result<void> start_backends(const std::optional<std::filesystem::path>& directory) {
  static std::once_flag once;
  static bool has_cpu = false;
  std::call_once(once, [&] {
    internal::capture_log();
    if (const auto folder = directory ? directory : internal::find_back_ends()) {
      load_from(*folder);
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
