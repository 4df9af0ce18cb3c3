// Show what a model would be offered of several servers and this program, and call one: several_servers SERVERS.json
// [TOOL ARGUMENTS]
//
// No model is needed. Two servers may have tools of one name, and one that cannot be started stops none of the others.
#include <llama-agent/agent_server.h>
#include <llama-mcp/mcp_servers.h>
#include <print>

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) return std::println(stderr, "usage: several_servers SERVERS.json [TOOL ARGUMENTS]"), 2;
  const auto config = llama::read_mcp_config(argv[1]);
  if (!config) return std::println(stderr, "{}", config.error().message), 1;
  auto servers = llama::McpServers::create(config->servers);
  if (!servers) return std::println(stderr, "{}", servers.error().message), 1;

  llama::ToolSet tools;
  const auto added = tools.add({.definition = {.name = "echo", .description = "Says the same."},
                                .function = [](const std::string& arguments, const llama::ToolContext&) {
                                  return llama::ToolResult{.text = arguments};
                                }});
  if (!added) return std::println(stderr, "{}", added.error().message), 1;
  tools.add(llama::mcp_tools(std::move(*servers)));

  if (argc == 4) {
    const auto result = llama::execute_tool(tools, {.name = argv[2], .arguments = argv[3]});
    std::println("{}", result.text);
    return result.is_error ? 1 : 0;
  }
  const auto list = llama::AgentServer::discover_tools(tools);
  for (const auto& tool : list.tools) std::println("{}  ({})", tool.name, tool.full_name());
  for (const auto& failure : list.failures) std::println(stderr, "{}: {}", failure.server, failure.error.message);
}
