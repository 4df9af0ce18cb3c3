// What a ToolSet holds.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "llama-agent/tool_set.h"
#include "tool_threads.h"

namespace llama {

struct ToolSet::State {
  mutable std::mutex mutex;
  std::vector<Tool> natives;
  std::vector<std::shared_ptr<ToolSource>> sources;
  std::map<std::string, std::string> names;  // that models were told, by full name
  internal::ToolThreads threads;             // last: its tools may use what stands above
};

struct ToolSetInside {
  [[nodiscard]] static internal::ToolThreads& threads(ToolSet& tools) { return tools.state_->threads; }
};

}  // namespace llama
