// Remember what a run measured on this machine, for later runs: one small JSON file in the model cache's folder.
//
// A memory is a convenience: what cannot be read is not there, what cannot be written is measured again. Of two
// processes that write at once one may be forgotten; the file is always whole. The oldest of many are dropped.
// Threads  any number at once, and any number of processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace llama {

class MeasurementMemory {
 public:
  // folder   of the model cache: CacheManager::folder()
  explicit MeasurementMemory(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // key      everything that the measurement depends on, in words: model, processor, threads, version.
  [[nodiscard]] std::optional<std::int64_t> recall(const std::string& key) const;
  void remember(const std::string& key, std::int64_t value) const;

  [[nodiscard]] std::filesystem::path file() const { return folder_ / "measured.json"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace llama
