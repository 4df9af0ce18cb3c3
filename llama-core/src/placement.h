// What a choice of device means for llama.cpp.
#pragma once

#include <cstdint>
#include <string>

#include "llama-core/device.h"

struct ggml_backend_device;

namespace llama::internal {

struct Placement {
  ggml_backend_device* device = nullptr;  // none: the CPU
  std::int32_t layers = 0;                // on the device; -1: all
  std::string name = "CPU";
  bool lacks_gpu = false;  // layers were asked for, and there is no GPU
};

// Errors   as choose_device().
[[nodiscard]] Result<Placement> place(const DeviceChoice& choice);

}  // namespace llama::internal
