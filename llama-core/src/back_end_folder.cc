#include "back_end_folder.h"

#include <dlfcn.h>
#include <ggml-backend.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "llama-base/own_file.h"

namespace llama::internal {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kOfCpus = "libggml-cpu-";

// In the order of their scores, the highest first.
//
// Source   ggml/src/CMakeLists.txt, ggml_add_cpu_backend_variant(); arch/x86/cpu-feats.cpp, which adds a power of two
//          for each extension of the CPU.
constexpr std::array<std::string_view, 14> kLevels = {
    "sapphirerapids", "zen4",    "cooperlake", "icelake",   "cascadelake", "cannonlake", "skylakex",
    "alderlake",      "haswell", "piledriver", "ivybridge", "sandybridge", "sse42",      "x64"};
constexpr std::size_t kFirstWithoutAvx512 = 7;
static_assert(kLevels[kFirstWithoutAvx512] == "alderlake");

bool has_avx512() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return false;
#endif
}

// The levels that a folder has CPU back ends for; nullopt where it has other ones as well.
std::optional<std::set<std::string, std::less<>>> levels_in(const fs::path& folder) {
  std::set<std::string, std::less<>> levels;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    // libggml-base is ggml itself, libggml-packed has our kernels.
    if (!name.starts_with("libggml-") || !name.ends_with(".so") || name == "libggml-base.so" || name == PACKED_NAME)
      continue;
    if (!name.starts_with(kOfCpus)) return std::nullopt;
    levels.insert(name.substr(kOfCpus.size(), name.size() - kOfCpus.size() - std::string_view(".so").size()));
  }
  if (error) return std::nullopt;
  return levels;
}

bool suits(const fs::path& library) {
  const std::unique_ptr<void, int (*)(void*)> handle(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL), dlclose);
  if (!handle) return false;
  const auto score = reinterpret_cast<int (*)()>(dlsym(handle.get(), "ggml_backend_score"));
  return score != nullptr && score() > 0;
}

}  // namespace

bool holds_back_ends(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(kOfCpus)) return true;
  }
  return false;
}

std::optional<fs::path> find_back_ends() {
  if (fs::path folder = own_file().parent_path(); holds_back_ends(folder)) return folder;
  Dl_info ggml{};
  if (dladdr(reinterpret_cast<const void*>(&ggml_backend_load_all), &ggml) == 0 || ggml.dli_fname == nullptr)
    return std::nullopt;
  fs::path folder = fs::path(ggml.dli_fname).parent_path() / "ggml" / "backends0";
  if (!folder.is_absolute() || !holds_back_ends(folder)) return std::nullopt;
  return folder;
}

std::optional<fs::path> choose_cpu_back_end(const fs::path& folder) {
  const auto levels = levels_in(folder);
  const auto is_known = [](const std::string& level) { return std::ranges::contains(kLevels, level); };
  if (!levels || !std::ranges::all_of(*levels, is_known)) return std::nullopt;
  for (std::size_t i = has_avx512() ? 0 : kFirstWithoutAvx512; i < kLevels.size(); ++i) {
    if (!levels->contains(kLevels[i])) continue;
    fs::path library = folder / std::string(kOfCpus).append(kLevels[i]).append(".so");
    if (suits(library)) return library;
  }
  return std::nullopt;
}

}  // namespace llama::internal
