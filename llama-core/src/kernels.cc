#include "llama-core/kernels.h"

#include <ggml-backend.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <format>
#include <mutex>
#include <optional>
#include <utility>

#include "llama-core/backend.h"
#include "llama-core/log.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

using Select = bool (*)(const char* level);
using SetAlways = void (*)(bool);
using Speed = double (*)(const char* level);

constexpr std::array<const char*, 5> kLevels = {"avx512-bf16", "onednn", "avx512-vnni", "avx-vnni", "avx2"};

std::mutex mutex;
Select select_level = nullptr;
SetAlways set_always = nullptr;
Speed speed_of = nullptr;
bool automatic = true;      // nobody has chosen
std::string measured_best;  // what "auto" is; "": the best level
std::mutex small_batches;   // held by a SmallBatchesToo
std::string why_not;        // the plug-in could not be loaded
std::string in_use = "stock";

// The environment's word, beside the running program, where it was installed, where it was built.
std::optional<fs::path> find_plugin() {
  if (const char* path = std::getenv("GGML_PACKED_PATH"); path != nullptr && *path != '\0') return path;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& path :
       {program.parent_path() / PACKED_NAME, program.parent_path().parent_path() / "lib/llama-cli" / PACKED_NAME,
        fs::path(PACKED_INSTALLED), fs::path(PACKED_BUILT)}) {
    if (fs::exists(path, error)) return path;
  }
  return std::nullopt;
}

Select load_plugin() {
  const auto path = find_plugin();
  std::error_code error;
  if (!path || !fs::exists(*path, error)) {
    why_not = std::format("{} was not found", path ? path->string() : PACKED_NAME);
    return nullptr;
  }
  ggml_backend_reg_t registry = ggml_backend_load(path->c_str());
  internal::take_first_log_error();
  if (registry == nullptr) {
    why_not = std::format("{} does not fit this ggml or this CPU", path->string());
    return nullptr;
  }
  speed_of = reinterpret_cast<Speed>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_speed"));
  set_always = reinterpret_cast<SetAlways>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_set_always"));
  return reinterpret_cast<Select>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_select"));
}

// The level that the plug-in computes with: its device's description.
std::string level() {
  ggml_backend_dev_t device = ggml_backend_dev_by_name("packed");
  return device == nullptr ? "" : ggml_backend_dev_description(device);
}

}  // namespace

void internal::load_kernels() {
  const std::scoped_lock lock(mutex);
  select_level = load_plugin();
  in_use = select_level != nullptr ? "packed, " + level() : std::format("stock ({})", why_not);
}

internal::SmallBatchesToo::SmallBatchesToo() {
  small_batches.lock();
  if (set_always != nullptr) set_always(true);
}
internal::SmallBatchesToo::~SmallBatchesToo() {
  if (set_always != nullptr) set_always(false);
  small_batches.unlock();
}

Result<void> choose_kernels(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {"auto",        "stock",       "avx2",  "avx-vnni",
                                                      "avx512-vnni", "avx512-bf16", "onednn"};
  if (!std::ranges::contains(kNames, name)) {
    return fail(
        ErrorCode::InvalidArgument,
        std::format("no kernels are called '{}': auto, stock, avx2, avx-vnni, avx512-vnni, avx512-bf16 or onednn",
                    name));
  }
  if (auto started = start_backends(); !started) return started;
  const std::scoped_lock lock(mutex);
  if (select_level == nullptr) {
    if (name == "auto" || name == "stock") {
      in_use = name == "stock" ? "stock" : std::format("stock ({})", why_not);
      return {};
    }
    return fail(ErrorCode::InvalidArgument, std::format("the kernels '{}' cannot be used: {}", name, why_not));
  }
  const std::string wanted(name == "auto" ? measured_best : name == "stock" ? "off" : name);
  if (!select_level(wanted.c_str())) {
    return fail(ErrorCode::InvalidArgument, std::format("this CPU cannot run the kernels '{}'", name));
  }
  in_use = name == "stock" ? "stock" : "packed, " + level();
  automatic = name == "auto";
  return {};
}

std::vector<KernelSpeed> measure_kernels() {
  std::vector<KernelSpeed> speeds;
  if (auto started = start_backends(); !started) return speeds;
  const std::scoped_lock lock(mutex);
  if (select_level == nullptr || speed_of == nullptr) return speeds;
  for (const char* name : kLevels) {
    if (const double speed = speed_of(name); speed > 0) speeds.push_back({.name = name, .giga_operations = speed});
  }
  return speeds;
}

std::string fastest_kernels(std::span<const KernelSpeed> measured) {
  const KernelSpeed* best = nullptr;
  for (const KernelSpeed& one : measured) {
    if (best == nullptr || one.giga_operations > best->giga_operations * 1.1) best = &one;
  }
  return best == nullptr ? "" : best->name;
}

bool kernels_are_automatic() {
  if (auto started = start_backends(); !started) return false;
  const std::scoped_lock lock(mutex);
  return automatic && select_level != nullptr;
}

void internal::use_measured_kernels(std::string_view name) {
  const std::scoped_lock lock(mutex);
  if (!automatic || select_level == nullptr || !select_level(std::string(name).c_str())) return;
  measured_best = name;
  in_use = "packed, " + level();
}

std::string kernels_in_use() {
  if (auto started = start_backends(); !started) return "none";
  const std::scoped_lock lock(mutex);
  return in_use;
}

}  // namespace llama
