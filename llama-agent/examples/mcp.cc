// Let a model use the servers of a config file, and ask before each call: mcp MODEL SERVERS.json QUESTION
#include <llama-agent/agent_server.h>
#include <llama-mcp/mcp_servers.h>
#include <iostream>
#include <print>
#include <string>

namespace {

// A real program watches the stop token while it waits: the time for an answer is bounded.
llama::ApprovalAnswer ask(const llama::ApprovalQuestion& question, const std::stop_token&) {
  if (question.is_first) std::println("{}: {}", question.name, question.definition.description);
  if (question.has_changed) std::println("This tool is not what you approved before.");
  std::print("Run {} with {}? [y, a for always, n] ", question.name, question.arguments);
  std::string answer;
  if (!std::getline(std::cin, answer)) return {.reason = "nobody answered"};
  if (answer == "y") return {.kind = llama::ApprovalAnswer::Kind::Once};
  if (answer == "a") return {.kind = llama::ApprovalAnswer::Kind::Tool};
  return {.reason = "the person said no"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::println(stderr, "usage: mcp MODEL SERVERS.json QUESTION"), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto config = llama::read_mcp_config(argv[2]);
  if (!config) return std::println(stderr, "{}", config.error().message), 1;
  auto servers = llama::McpServers::create(config->servers);
  if (!servers) return std::println(stderr, "{}", servers.error().message), 1;
  const auto server = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source});
  if (!server) return std::println(stderr, "{}", server.error().message), 1;

  llama::ToolSet tools;
  tools.add(llama::mcp_tools(std::move(*servers)));
  const auto session = (*server)->create_session();
  if (!session || !(*server)->add_message(session->id, {.content = argv[3]})) return 1;

  auto run =
      (*server)->run_stream({.generation = {.session_id = session->id}, .tools = &tools, .approvals = {.asker = ask}});
  if (!run) return std::println(stderr, "{}", run.error().message), 1;
  for (;;) {
    const auto event = run->next();
    if (!event) return std::println(stderr, "{}", event.error().message), 1;
    if (!*event) break;
    if (const auto* text = std::get_if<llama::TextEvent>(&**event)) std::print("{}", text->text);
    if (const auto* result = std::get_if<llama::CallResult>(&**event)) {
      std::println("\n  {}: {}", result->name, result->result.text);
    }
    if (const auto* remark = std::get_if<llama::RunRemark>(&**event)) std::println(stderr, "{}", remark->text);
  }
  std::println("\n  ({})", to_string(run->response().end));
}
