// Say which model to load, and learn what was loaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-core/model.h"
#include "llama-loader/download_progress.h"
#include "llama-loader/model_source.h"

namespace llama {

struct ModelConfig {
  ModelSource source;
  std::function<void(double fraction)> on_progress{};          // of reading the file: 0 to 1, from the loading thread
  std::function<void(const DownloadProgress&)> on_download{};  // ten times a second, from the calling thread
  std::function<void(std::string_view line)> on_message{};     // for people: what was chosen, a retry, a wait; from any
                                                               // thread, one at a time
  std::stop_token stop{};
  DeviceChoice device{};
  // As ModelLoadOptions::on_notice; of several who share a model the first one's is called.
  std::function<void(std::string_view line)> on_notice{};
};

struct ModelMetadata {
  ModelSource source;
  std::string filename;          // of a split model: its first part
  std::uint64_t size_bytes = 0;  // of all files
  std::chrono::milliseconds load_time{0};
  bool cache_hit = false;  // nothing was downloaded because the cache had it; local files: false
  std::string sha256;      // of the content, as published (multipart.h); "" where it is not known: local files
  std::string commit;      // of the repository; "" for local files
  std::string identity;    // of the content of all files: the sha256, or for local files "PATH SIZE MODIFIED" of each
  std::string first_sha256{};  // of the first file alone, where sha256 is known: what older versions wrote of a model
  std::uint64_t memory_before_bytes = 0,
                memory_after_bytes = 0;  // resident, of this process; 0 where it cannot be told
};

struct LoadedModel {
  std::shared_ptr<const Model> model;
  std::filesystem::path path;  // of the first file
  ModelMetadata metadata;
};

}  // namespace llama
