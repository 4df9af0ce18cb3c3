// List the tools of the servers of a config file, or call one: list_tools FILE [SERVER TOOL [ARGUMENTS]].
//
//   list_tools servers.json
//   list_tools servers.json everything echo '{"message":"hello"}'
#include <cstdio>
#include <print>
#include <string>

#include "llama-mcp/mcp_servers.h"

namespace {

llama::McpServersHandlers shown() {
  return {
      .tools_changed = [](const std::string& server) { std::println("{}: its tools changed", server); },
      .log = [](const std::string& server,
                const llama::McpLogLine& line) { std::println(stderr, "{}: {}: {}", server, line.level, line.text); },
      .ask =
          [](const std::string& server, const llama::McpQuestion& question, const std::stop_token&) {
            std::println("{} asks: {} {} {}", server, question.message, question.schema, question.url);
            return llama::McpReply{.action = llama::McpReply::Action::Accept, .content = R"({"name":"Ada"})"};
          }};
}

int list(llama::McpServers& servers) {
  const auto list = servers.list_tools();
  for (const auto& health : servers.health()) {
    if (!health.is_started) continue;
    std::println("{}: {} {}, revision {}", health.server, health.info.name, health.info.version, health.info.revision);
  }
  for (const auto& each : list.tools) std::println("{}.{}  {}", each.server, each.tool.name, each.tool.input_schema);
  for (const auto& each : list.failures) std::println(stderr, "{}", each.error.message);
  return list.failures.empty() ? 0 : 1;
}

int call(llama::McpServers& servers, const std::string& server, const std::string& tool, const std::string& arguments) {
  const auto progress = [](const llama::McpProgress& news) { std::println("progress: {}", news.progress); };
  const auto result = servers.call_tool(server, tool, arguments, {.progress = progress});
  if (!result) {
    std::println(stderr, "{}", result.error().message);
    return 1;
  }
  std::println("{}{}", result->is_error ? "the tool failed: " : "", llama::text_of(*result));
  return result->is_error ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4 && argc != 5) {
    std::println(stderr, "usage: list_tools FILE [SERVER TOOL [ARGUMENTS]]");
    return 2;
  }
  const auto config = llama::read_mcp_config(argv[1]);
  if (!config) {
    std::println(stderr, "{}", config.error().message);
    return 2;
  }
  for (const auto& remark : config->remarks) std::println(stderr, "{}", remark);
  const auto servers = llama::McpServers::create(config->servers, shown());
  if (!servers) {
    std::println(stderr, "{}", servers.error().message);
    return 2;
  }
  return argc == 2 ? list(**servers) : call(**servers, argv[2], argv[3], argc == 5 ? argv[4] : "");
}
