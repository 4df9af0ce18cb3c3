// On which device a model's weights are, and the same model for the CPU once that device has failed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "llama-core/model.h"
#include "placement.h"

namespace llama {

struct Model::DeviceState {
  std::vector<std::filesystem::path> files;
  internal::Placement placement;
  std::function<void(std::string_view)> on_notice;
  std::mutex mutex;                       // guards fallback
  std::shared_ptr<const Model> fallback;  // on the CPU; stays as long as this model, as contexts point to it

  void notice(std::string_view line) const {
    if (on_notice) on_notice(line);
  }
};

}  // namespace llama
