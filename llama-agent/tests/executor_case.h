// Calls to run, with what is told and remarked while they run.
#pragma once

#include <deque>
#include <format>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../src/tools/call_executor.h"

namespace llama::internal {

struct ExecutorCase {
  std::deque<ListedTool> tools;
  std::vector<CallToRun> calls;
  CallRules rules{.approvals = {.mode = ApprovalMode::Always, .memory = std::make_shared<ApprovalMemory>()},
                  .limits = {},
                  .parallel = {},
                  .stop = {}};
  ToolThreads threads;
  std::vector<RunEvent> events;
  std::vector<std::string> remarks;

  void add(std::string name, std::string arguments, ToolFunction function, ToolHints hints = {.read_only = true},
           std::string server = {}) {
    tools.push_back({name, {.name = name, .hints = hints, .server = std::move(server)}, std::move(function)});
    calls.push_back({{std::format("id{}", calls.size()), name, std::move(arguments)}, &tools.back()});
  }
  std::vector<EndedCall> run() {
    return run_calls(calls, rules, threads,
                     {.tell = [&](RunEvent event) { events.push_back(std::move(event)); },
                      .remark = [&](std::string text) { remarks.push_back(std::move(text)); }});
  }
  template <class Event>
  std::vector<Event> told() const {
    std::vector<Event> found;
    for (const auto& event : events) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    return found;
  }
};

inline const ToolFunction kEchoBack = [](const std::string& arguments, const ToolContext&) {
  return ToolResult{arguments};
};

}  // namespace llama::internal
