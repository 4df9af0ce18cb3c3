#include "protocol/era_memory.h"

namespace llama::internal {
namespace {

std::string era_key(const McpServerConfig& config) {
  if (!config.url.empty()) return "url\n" + config.url;
  std::string key = config.command;
  for (const auto& each : config.args) key += '\0' + each;
  return key + "\n" + config.working_directory.string();
}

}  // namespace

EraMemory& EraMemory::of_this_process() {
  static EraMemory memory;
  return memory;
}

std::optional<McpEra> EraMemory::recall(const McpServerConfig& config) const {
  const std::scoped_lock lock(mutex_);
  const auto found = eras_.find(era_key(config));
  return found == eras_.end() ? std::nullopt : std::optional(found->second);
}

void EraMemory::remember(const McpServerConfig& config, McpEra era) {
  const std::scoped_lock lock(mutex_);
  eras_[era_key(config)] = era;
}

void EraMemory::forget(const McpServerConfig& config) {
  const std::scoped_lock lock(mutex_);
  eras_.erase(era_key(config));
}

}  // namespace llama::internal
