#include "llama-core/kernels.h"

#include <ggml-backend.h>

#include <algorithm>
#include <format>
#include <mutex>
#include <system_error>
#include <utility>

#include "llama-core/backend.h"
#include "llama-core/log.h"
#include "plugin_path.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

using Select = bool (*)(const char* level);
using SetRule = void (*)(bool);
using SetReads = void (*)(int);
using Speed = double (*)(const char* level);
using Levels = const char* const* (*)();

std::mutex mutex;
Select select_level = nullptr;
SetRule set_always = nullptr, set_few_passes = nullptr;
SetReads set_reads = nullptr;
Speed speed_of = nullptr;
std::vector<std::string> levels;  // that the plug-in was built with, the best one first
bool automatic = true;            // nobody has chosen
std::string measured_best;        // what "auto" is; "": the best level
std::string why_not;              // the plug-in could not be loaded
std::string in_use = "stock";

Select load_plugin() {
  const auto path = internal::find_plugin();
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
  if (auto* names = reinterpret_cast<Levels>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_levels"))) {
    for (const char* const* name = names(); *name != nullptr; ++name) levels.emplace_back(*name);
  }
  set_always = reinterpret_cast<SetRule>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_set_always"));
  set_few_passes = reinterpret_cast<SetRule>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_set_few_passes"));
  set_reads = reinterpret_cast<SetReads>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_set_reads"));
  return reinterpret_cast<Select>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_select"));
}

// The level that the plug-in computes with: its device's description.
std::string level() {
  ggml_backend_dev_t device = ggml_backend_dev_by_name("packed");
  return device == nullptr ? "" : ggml_backend_dev_description(device);
}

// What is computed with while nobody chose "stock".
std::string with_plugin() {
  const std::string name = level();
  return name == "off" ? std::format("stock ({}'s kernels are not measured on this kind of CPU)", PACKED_NAME)
                       : "packed, " + name;
}

// "auto, stock, avx512-vnni or avx2": what choose_kernels() takes.
std::string listed() {
  std::string list = "auto";
  for (std::size_t i = 0; i < levels.size(); ++i) list += (i == 0 ? ", stock, " : ", ") + levels[i];
  if (const std::size_t last = list.rfind(", "); last != std::string::npos) list.replace(last, 2, " or ");
  return levels.empty() ? "auto or stock" : list;
}

}  // namespace

void internal::load_kernels() {
  const std::scoped_lock lock(mutex);
  select_level = load_plugin();
  in_use = select_level != nullptr ? with_plugin() : std::format("stock ({})", why_not);
}

internal::WithKernelRules::WithKernelRules(KernelRules rules) {
  if (set_always != nullptr) set_always(rules.small_batches_too);
  if (set_few_passes != nullptr) set_few_passes(rules.few_passes);
  if (set_reads != nullptr) set_reads(static_cast<int>(rules.reads));
}
internal::WithKernelRules::~WithKernelRules() {
  if (set_always != nullptr) set_always(false);
  if (set_few_passes != nullptr) set_few_passes(false);
  if (set_reads != nullptr) set_reads(static_cast<int>(ResultsRead::Everything));
}

Result<void> choose_kernels(std::string_view name) {
  if (auto started = start_backends(); !started) return started;
  const std::scoped_lock lock(mutex);
  if (select_level == nullptr) {
    if (name == "auto" || name == "stock") {
      in_use = name == "stock" ? "stock" : std::format("stock ({})", why_not);
      return {};
    }
    return fail(ErrorCode::InvalidArgument, std::format("the kernels '{}' cannot be used: {}", name, why_not));
  }
  if (name != "auto" && name != "stock" && !std::ranges::contains(levels, name)) {
    return fail(ErrorCode::InvalidArgument, std::format("no kernels are called '{}': {}", name, listed()));
  }
  const std::string wanted(name == "auto" ? measured_best : name == "stock" ? "off" : name);
  if (!select_level(wanted.c_str())) {
    return fail(ErrorCode::InvalidArgument, std::format("this CPU cannot run the kernels '{}'", name));
  }
  in_use = name == "stock" ? "stock" : with_plugin();
  automatic = name == "auto";
  return {};
}

std::vector<KernelSpeed> measure_kernels() {
  std::vector<KernelSpeed> speeds;
  if (auto started = start_backends(); !started) return speeds;
  const std::scoped_lock lock(mutex);
  if (select_level == nullptr || speed_of == nullptr) return speeds;
  for (const std::string& name : levels) {
    if (const double speed = speed_of(name.c_str()); speed > 0)
      speeds.push_back({.name = name, .giga_operations = speed});
  }
  return speeds;
}

std::vector<std::string> kernel_levels() {
  if (auto started = start_backends(); !started) return {};
  const std::scoped_lock lock(mutex);
  return levels;
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
  in_use = with_plugin();
}

std::string kernels_in_use() {
  if (auto started = start_backends(); !started) return "none";
  const std::scoped_lock lock(mutex);
  return in_use;
}

}  // namespace llama
