// Which servers are of the older era, for as long as the process lives: they are not asked the modern question again.
//
// Threads  any.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

class EraMemory {
 public:
  [[nodiscard]] static EraMemory& of_this_process();

  [[nodiscard]] std::optional<McpEra> recall(const McpServerConfig& config) const;
  void remember(const McpServerConfig& config, McpEra era);
  void forget(const McpServerConfig& config);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, McpEra> eras_;  // by command line and folder, or address
};

}  // namespace llama::internal
