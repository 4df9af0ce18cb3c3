// Gather the tools that a run offers: native ones and those of servers, each under a name of its own.
//
// A model knows a tool by the name in ListedTool: its own where that is unique and of letters, digits, "_" and "-",
// else "SERVER_TOOL", cut to 64 characters. It keeps that name as long as the set lives, whatever comes and goes; only
// a native tool that is added later takes its own name from a server's. People and rules know it as "SERVER.TOOL", a
// native one by its name.
//
// Threads  any number of runs at once. The destructor waits for calls that were given up (ToolContext::stop).
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/tool.h"
#include "llama-base/error.h"

namespace llama {

class McpServers;

struct ToolFailure {
  std::string server;
  Error error;  // its message names the server: people are shown it alone
};

// Tools from elsewhere. mcp_tools() makes one of servers.
class ToolSource {
 public:
  struct Listing {
    std::vector<ToolDefinition> tools{};
    std::vector<ToolFailure> failures{};  // servers that gave none, and why
  };
  virtual ~ToolSource() = default;
  // Asked before each round: it should remember, and ask its servers again when they say that something changed.
  [[nodiscard]] virtual Listing list(const std::stop_token& stop) = 0;
  [[nodiscard]] virtual ToolResult call(const ToolDefinition& tool, const std::string& arguments,
                                        const ToolContext& context) = 0;
};

[[nodiscard]] std::shared_ptr<ToolSource> mcp_tools(std::shared_ptr<McpServers> servers);

struct ListedTool {
  std::string name;  // as the model knows it
  ToolDefinition definition;
  ToolFunction function;
  // "SERVER.TOOL", or a native tool's name.
  [[nodiscard]] std::string full_name() const;
};

struct ToolList {
  std::vector<ListedTool> tools{};
  std::vector<ToolFailure> failures{};

  [[nodiscard]] const ListedTool* find(std::string_view name) const;  // as the model knows it, or the full name
  [[nodiscard]] std::string json() const;                             // as GenerationRequest::tools wants it
  [[nodiscard]] std::string names() const;                            // "a, b, c"; "none"
};

class ToolSet {
 public:
  ToolSet();
  ~ToolSet();
  ToolSet(const ToolSet&) = delete;
  ToolSet& operator=(const ToolSet&) = delete;

  // Errors   InvalidArgument: a name that is none or is taken, no function, a schema that is no JSON object.
  Result<void> add(Tool tool);
  void add(std::shared_ptr<ToolSource> source);

  // Native tools first, then each source's, in its order. What cannot be listed is a failure and stops nothing.
  [[nodiscard]] ToolList list(const std::stop_token& stop = {}) const;

 private:
  friend struct ToolSetInside;  // the loop
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llama
