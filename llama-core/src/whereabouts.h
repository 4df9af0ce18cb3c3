// Where a model's weights lie, and its twin on the CPU once the device has failed.
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

struct Model::Whereabouts {
  std::vector<std::filesystem::path> files;
  internal::Placement placement;
  std::function<void(std::string_view)> on_notice;
  std::mutex mutex;                   // guards twin
  std::shared_ptr<const Model> twin;  // never given up, as contexts point to it

  void notice(std::string_view line) const {
    if (on_notice) on_notice(line);
  }
};

}  // namespace llama
