// Give a model a tool of this program's own: native_tool MODEL QUESTION
#include <llama-agent/agent_server.h>
#include <chrono>
#include <format>
#include <print>

int main(int argc, char** argv) {
  if (argc != 3) return std::println(stderr, "usage: native_tool MODEL QUESTION"), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto server = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source});
  if (!server) return std::println(stderr, "{}", server.error().message), 1;

  llama::ToolSet tools;
  const auto added = tools.add(
      {.definition = {.name = "clock",
                      .description = "The time now, in a zone such as Europe/Paris.",
                      .parameters = R"({"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"]})",
                      .hints = {.read_only = true}},
       .function = [](const std::string& arguments, const llama::ToolContext&) -> llama::ToolResult {
         const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
         return {.text = std::format("{:%FT%TZ}, asked with {}", now, arguments)};
       }});
  if (!added) return std::println(stderr, "{}", added.error().message), 1;

  const auto session = (*server)->create_session();
  if (!session) return std::println(stderr, "{}", session.error().message), 1;
  if (const auto asked = (*server)->add_message(session->id, {.content = argv[2]}); !asked) {
    return std::println(stderr, "{}", asked.error().message), 1;
  }
  // The tool is ours and only reads, so nobody has to be asked.
  const auto run = (*server)->run({.generation = {.session_id = session->id},
                                   .tools = &tools,
                                   .approvals = {.rules = {{"clock", llama::ApprovalAction::Allow}}}});
  if (!run) return std::println(stderr, "{}", run.error().message), 1;
  for (const auto& call : run->calls) std::println("  {} -> {}", call.name, call.result.text);
  std::println("{}\n  ({} after {} replies)", run->reply.generated_text, to_string(run->end), run->rounds);
}
