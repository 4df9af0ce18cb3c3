#include "llama-core/device.h"

#include <ggml-backend.h>

#include <algorithm>
#include <format>
#include <utility>

#include "llama-core/backend.h"
#include "placement.h"

namespace llama {
namespace {

std::optional<DeviceKind> kind_of(ggml_backend_dev_t device) {
  switch (ggml_backend_dev_type(device)) {
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return DeviceKind::Gpu;
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return DeviceKind::IntegratedGpu;
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return DeviceKind::Cpu;
    default:
      return std::nullopt;  // helps the CPU, holds no layers
  }
}

struct Found {
  Device device;
  ggml_backend_dev_t handle;
};

std::vector<Found> find_all() {
  std::vector<Found> found;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t handle = ggml_backend_dev_get(i);
    const auto kind = kind_of(handle);
    if (!kind) continue;
    std::size_t free = 0, total = 0;
    ggml_backend_dev_memory(handle, &free, &total);
    found.push_back({{.name = ggml_backend_dev_name(handle),
                      .description = ggml_backend_dev_description(handle),
                      .kind = *kind,
                      .free_bytes = free,
                      .total_bytes = total},
                     handle});
  }
  std::ranges::stable_sort(found, {}, [](const Found& f) { return f.device.kind; });
  return found;
}

std::vector<Device> devices_of(const std::vector<Found>& found) {
  std::vector<Device> devices;
  for (const auto& entry : found) devices.push_back(entry.device);
  return devices;
}

}  // namespace

std::string_view to_string(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::Gpu:
      return "gpu";
    case DeviceKind::IntegratedGpu:
      return "integrated-gpu";
    case DeviceKind::Cpu:
      return "cpu";
  }
  return "";
}

Result<std::vector<Device>> find_devices() {
  if (auto started = start_backends(); !started) return std::unexpected(started.error());
  return devices_of(find_all());
}

Result<std::optional<std::size_t>> choose_device(std::span<const Device> devices, const DeviceChoice& choice) {
  const auto wrong = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  const std::int32_t layers = choice.gpu_layers.value_or(0);
  if (layers < 0) return wrong(std::format("{} layers on a GPU: a number from 0 up is possible", layers));
  const auto is_gpu = [](const Device& device) { return device.kind != DeviceKind::Cpu; };
  std::optional<std::size_t> chosen;
  if (choice.name.empty() || choice.name == "none") {
    const auto first = std::ranges::find_if(devices, is_gpu);
    if (choice.name.empty() && first != devices.end()) chosen = static_cast<std::size_t>(first - devices.begin());
  } else {
    const auto named = std::ranges::find(devices, choice.name, &Device::name);
    if (named == devices.end()) {
      std::string names;
      for (const auto& device : devices) names += device.name + ", ";
      return wrong(std::format("there is no device '{}' here: {}none", choice.name, names));
    }
    if (is_gpu(*named)) chosen = static_cast<std::size_t>(named - devices.begin());
  }
  if (!chosen && !choice.name.empty() && layers > 0) {
    return wrong(std::format("{} layers on a GPU and the device '{}' exclude each other", layers, choice.name));
  }
  if (choice.gpu_layers && layers == 0) return std::nullopt;
  return chosen;
}

Result<void> check(const DeviceChoice& choice) {
  const auto devices = find_devices();
  if (!devices) return std::unexpected(devices.error());
  if (auto chosen = choose_device(*devices, choice); !chosen) return std::unexpected(chosen.error());
  return {};
}

Result<internal::Placement> internal::place(const DeviceChoice& choice) {
  if (auto started = start_backends(); !started) return std::unexpected(started.error());
  const auto found = find_all();
  const auto chosen = choose_device(devices_of(found), choice);
  if (!chosen) return std::unexpected(chosen.error());
  if (!*chosen) return Placement{.lacks_gpu = choice.gpu_layers.value_or(0) > 0};
  const Found& entry = found[**chosen];
  return Placement{.device = entry.handle, .layers = choice.gpu_layers.value_or(-1), .name = entry.device.name};
}

}  // namespace llama
