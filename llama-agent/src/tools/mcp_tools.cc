#include <algorithm>
#include <chrono>
#include <format>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "llama-agent/json_schema.h"
#include "llama-agent/tool_set.h"
#include "llama-mcp/mcp_servers.h"

namespace llama {
namespace {

class McpToolSource final : public ToolSource {
 public:
  explicit McpToolSource(std::shared_ptr<McpServers> servers) : servers_(std::move(servers)) {}

  Listing list(const std::stop_token& stop) override {
    Listing listing;
    auto listed = servers_->list_tools(stop);
    const std::scoped_lock lock(mutex_);
    output_schemas_.clear();
    for (auto& [server, tool] : listed.tools) {
      const auto& said = tool.annotations;
      if (!tool.output_schema.empty()) output_schemas_[{server, tool.name}] = std::move(tool.output_schema);
      listing.tools.push_back(
          {.name = std::move(tool.name),
           .description = tool.description.empty() ? std::move(tool.title) : std::move(tool.description),
           .parameters = std::move(tool.input_schema),
           .hints = {said.read_only, said.destructive, said.idempotent, said.open_world},
           .server = std::move(server)});
    }
    for (auto& [server, error] : listed.failures) listing.failures.push_back({std::move(server), std::move(error)});
    return listing;
  }

  ToolResult call(const ToolDefinition& tool, const std::string& arguments, const ToolContext& context) override {
    McpCallOptions options;
    if (context.deadline != std::chrono::steady_clock::time_point::max()) {
      options.time_limit =
          std::max(std::chrono::milliseconds(1),
                   std::chrono::ceil<std::chrono::milliseconds>(context.deadline - std::chrono::steady_clock::now()));
    }
    options.progress = [&](const McpProgress& p) { context.progress({p.progress, p.total, p.message}); };
    const auto result = servers_->call_tool(tool.server, tool.name, arguments, options, context.stop);
    if (!result) return {.text = result.error().message, .is_error = true};
    if (!result->is_error && !result->structured_content.empty()) {
      if (const auto sound = check_output(tool, result->structured_content, context.stop); !sound) {
        return {.text = std::format("the result does not match what the tool promises: {}\n{}", sound.error().message,
                                    text_of(*result)),
                .is_error = true};
      }
    }
    return {.text = text_of(*result), .is_error = result->is_error};
  }

 private:
  // A schema that cannot be used is no reason to refuse a result.
  // Source: specification 2026-07-28, "Output Schema": clients should validate structured results against it.
  Result<void> check_output(const ToolDefinition& tool, const std::string& content, const std::stop_token& stop) {
    std::string schema;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = output_schemas_.find({tool.server, tool.name});
      if (found != output_schemas_.end()) schema = found->second;
    }
    if (schema.empty()) return {};
    const auto parsed = JsonSchema::parse(schema, {.exact = true}, stop);
    return parsed ? parsed->validate(content) : Result<void>();
  }

  std::shared_ptr<McpServers> servers_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> output_schemas_;  // by server and tool
};

}  // namespace

std::shared_ptr<ToolSource> mcp_tools(std::shared_ptr<McpServers> servers) {
  return std::make_shared<McpToolSource>(std::move(servers));
}

}  // namespace llama
