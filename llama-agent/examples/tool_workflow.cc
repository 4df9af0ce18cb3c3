// Let the calls of one reply use each other's results, and run side by side where they can: tool_workflow MODEL
// QUESTION
//
// A model may write, in one reply, search {"query": "apple"}, search {"query": "pear"} and
// compare {"first": "${1}", "second": "${2}"}: the searches run at once, the comparison when both are there.
#include <llama-agent/agent_server.h>
#include <chrono>
#include <print>
#include <thread>

namespace {

llama::ToolResult search(const std::string& arguments, const llama::ToolContext& context) {
  for (int step = 1; step <= 5; ++step) {
    if (context.stop.stop_requested()) return {.text = "stopped", .is_error = true};
    context.progress({.progress = static_cast<double>(step), .total = 5.0, .message = "searching"});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return {.text = "found for " + arguments};
}

llama::ToolResult compare(const std::string& arguments, const llama::ToolContext&) {
  return {.text = "compared: " + arguments};
}

void show(const llama::RunEvent& event) {
  if (const auto* started = std::get_if<llama::CallStarted>(&event)) {
    std::println("  starts {}: {} {}", started->call + 1, started->name, started->arguments);
  }
  if (const auto* result = std::get_if<llama::CallResult>(&event)) {
    std::println("  ended  {}: {} ({})", result->call + 1, result->result.text, result->time);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::println(stderr, "usage: tool_workflow MODEL QUESTION"), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto server = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source});
  if (!server) return std::println(stderr, "{}", server.error().message), 1;

  // What only reads may run at once.
  const llama::ToolHints reads{.read_only = true};
  llama::ToolSet tools;
  for (const auto& tool :
       {llama::Tool{{.name = "search",
                     .description = "Search for a text.",
                     .parameters = R"({"type":"object","properties":{"query":{"type":"string"}},"required":["query"]})",
                     .hints = reads},
                    search},
        llama::Tool{{.name = "compare",
                     .description = "Compare two results. \"${1}\" stands for the result of the reply's first call.",
                     .parameters = R"({"type":"object","properties":{"first":{"type":"string"},)"
                                   R"("second":{"type":"string"}},"required":["first","second"]})",
                     .hints = reads},
                    compare}}) {
    if (const auto added = tools.add(tool); !added) return std::println(stderr, "{}", added.error().message), 1;
  }

  const auto session = (*server)->create_session();
  if (!session || !(*server)->add_message(session->id, {.content = argv[2]})) return 1;
  const auto run = (*server)->run({.generation = {.session_id = session->id},
                                   .tools = &tools,
                                   .approvals = {.mode = llama::ApprovalMode::Always},
                                   .limits = {.call_time_limit = std::chrono::seconds(10)},
                                   .parallel = {.max_parallel_tools = 2},
                                   .observer = show});
  if (!run) return std::println(stderr, "{}", run.error().message), 1;
  std::println("{}", run->reply.generated_text);
}
