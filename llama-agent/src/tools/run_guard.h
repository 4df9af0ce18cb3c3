// Refuse calls before they run: unknown tools, too many, the same again and again, arguments that do not match.
//
// Pure: calls in, words for the model out. One per run. Threads: one at a time.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "call_executor.h"
#include "llama-agent/message.h"
#include "llama-agent/run_event.h"
#include "llama-agent/run_limits.h"
#include "llama-agent/tool_parallel.h"
#include "llama-agent/tool_set.h"

namespace llama::internal {

class RunGuard {
 public:
  RunGuard(const RunLimits& limits, bool references, std::stop_token stop)
      : limits_(limits), references_(references), stop_(std::move(stop)) {}

  // The calls of one reply, in its order. is_last: no further reply will come.
  [[nodiscard]] std::vector<CallToRun> look_at(std::vector<ToolCall> calls, const ToolList& tools, bool is_last);
  // A call that was ready and had arguments that did not match, or did match.
  void count_arguments(const std::string& name, bool match);

  // Why the run should end after this round.
  [[nodiscard]] const std::optional<RunEnd>& end() const { return end_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }

 private:
  std::string refusal(const ToolCall& call, std::size_t number, const ListedTool* tool, const ToolList& tools,
                      bool is_last, const std::vector<ToolCall>& all);
  void stop(RunEnd end, std::string detail);

  RunLimits limits_;
  bool references_;
  std::stop_token stop_;  // of the run
  std::int32_t calls_ = 0;
  std::map<std::string, std::int32_t> same_;   // by name and arguments
  std::map<std::string, std::int32_t> tries_;  // by name: arguments in a row that did not match
  std::optional<RunEnd> end_;
  std::string detail_;
};

}  // namespace llama::internal
