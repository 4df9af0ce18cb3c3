// Describe a tool that a model may call: a name, a schema, a function.
//
//   Tool clock{.definition = {.name = "time", .description = "The time now."},
//              .function = [](const std::string&, const ToolContext&) { return ToolResult{.text = "12:00"}; }};
//
// Threads  a function is called on a thread of the run's, and several of one round at once where nothing speaks against
//          it (tool_parallel.h). It may throw: that is a result with is_error.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace llama {

// What a tool says of itself. They make nothing safe: a server may say what it likes.
struct ToolHints {
  std::optional<bool> read_only{}, destructive{}, idempotent{}, open_world{};
  bool operator==(const ToolHints&) const = default;
};

struct ToolDefinition {
  std::string name{};         // its own: a native one's of letters, digits, "_" and "-", at most 64
  std::string description{};  // for the model; a server's comes from outside
  std::string parameters{};   // JSON Schema of the arguments; "": any object
  ToolHints hints{};
  std::string server{};  // "": native
  bool operator==(const ToolDefinition&) const = default;
};

struct ToolProgress {
  double progress = 0;
  std::optional<double> total{};
  std::string message{};
  bool operator==(const ToolProgress&) const = default;
};

struct ToolContext {
  // Requested once the call's time is over, or the run is cancelled. A tool that waits must watch it: one that does not
  // come back in a moment is given up, its result is lost, and the ToolSet's destructor waits for it.
  std::stop_token stop{};
  // As it was at the start; progress puts the call's end off (RunLimits::call_time_limit).
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::function<void(const ToolProgress&)> progress = [](const ToolProgress&) {};
};

struct ToolResult {
  std::string text{};     // for the model
  bool is_error = false;  // the text says why, and the model may try something else
  bool operator==(const ToolResult&) const = default;
};

// arguments: a JSON object that the schema allows.
using ToolFunction = std::function<ToolResult(const std::string& arguments, const ToolContext& context)>;

struct Tool {
  ToolDefinition definition;
  ToolFunction function;
};

}  // namespace llama
