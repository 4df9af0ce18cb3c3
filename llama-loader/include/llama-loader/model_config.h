// Say which model to load, and learn what was loaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-core/model.h"
#include "llama-loader/model_source.h"

namespace llama {

struct ModelConfig {
  ModelSource source;
  std::function<void(double fraction)> on_progress;  // 0 to 1, from the loading thread
  std::stop_token stop;
};

struct ModelMetadata {
  ModelSource source;
  std::string filename;          // of a split model: its first part
  std::uint64_t size_bytes = 0;  // of all files
  std::chrono::milliseconds load_time{0};
  bool cache_hit = false;  // nothing was downloaded because the cache had it; local files: false
};

struct LoadedModel {
  std::shared_ptr<const Model> model;
  std::filesystem::path path;  // of the first file
  ModelMetadata metadata;
};

}  // namespace llama
