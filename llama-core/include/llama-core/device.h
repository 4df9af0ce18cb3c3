// Find what can compute: the GPUs that ggml's installed back ends reach, and the CPU.
//
// Threads  any.
// Source   ggml-backend.h: a back end (Vulkan, CUDA, HIP, Metal, …) is a library of its own, found where ggml looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

enum class DeviceKind { Gpu, IntegratedGpu, Cpu };

[[nodiscard]] std::string_view to_string(DeviceKind kind);  // "gpu", "integrated-gpu", "cpu"

struct Device {
  std::string name;         // "Vulkan0", "CUDA0", "CPU": what DeviceChoice takes
  std::string description;  // for people
  DeviceKind kind = DeviceKind::Cpu;
  std::uint64_t free_bytes = 0;  // of its memory, now; 0: the driver does not say
  std::uint64_t total_bytes = 0;
};

// GPUs first, then integrated ones, the CPU last.
//
// Errors   Internal when llama.cpp has no CPU back end.
[[nodiscard]] Result<std::vector<Device>> find_devices();

// Where a model's layers are kept and computed.
struct DeviceChoice {
  // This many of the last layers on the GPU, the rest on the CPU. The output counts as a layer, the last one.
  // Nothing: all; 0: none.
  std::optional<std::int32_t> gpu_layers{};
  std::string name{};  // "": the first GPU, and the CPU where there is none; "none" or "CPU": the CPU
};

// Shape    the chosen device's place among `devices`; nothing: the CPU.
// Errors   InvalidArgument: an unknown name (the message lists the known ones), a negative number, layers for the CPU.
[[nodiscard]] Result<std::optional<std::size_t>> choose_device(std::span<const Device> devices,
                                                               const DeviceChoice& choice);

// The same for this machine's devices, to find out before a long load.
[[nodiscard]] Result<void> check(const DeviceChoice& choice);

}  // namespace llama
