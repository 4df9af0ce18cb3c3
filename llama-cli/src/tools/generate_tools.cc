#include "generate_tools.h"

#include <cstdio>
#include <format>
#include <utility>

#include "../exit_status.h"
#include "allowed_tools.h"
#include "approval_prompt.h"
#include "question_prompt.h"
#include "run_printer.h"
#include "shown_text.h"
#include "tool_servers.h"

namespace llama {
namespace {

ToolChoice tool_choice_of(const GenerateArguments& arguments) {
  const std::string& name = arguments.tool_choice;
  if (name == "auto") return {};
  if (name == "none") return {.kind = ToolChoice::Kind::None};
  if (name == "required") return {.kind = ToolChoice::Kind::Required};
  return {.kind = ToolChoice::Kind::Named, .name = name};
}

}  // namespace

Step<std::unique_ptr<GenerateTools>> GenerateTools::open(const GenerateArguments& arguments, const Interrupt& interrupt,
                                                         const Console& console) {
  if (arguments.logprobs) return usage_error("--logprobs and --mcp-config exclude each other");
  auto mode = parse_approval_mode(arguments.approve);
  if (!mode) return stop_with(mode.error(), kUsageError);
  auto servers = open_servers(*arguments.mcp_config, std::nullopt, interrupt, console);
  if (!servers) return std::unexpected(servers.error());
  auto made = std::make_unique<GenerateTools>();
  made->servers_ = std::move(servers->servers);
  made->tools_.add(allowed_tools(mcp_tools(made->servers_), servers->rules));
  made->request_.tools = &made->tools_;
  made->request_.generation.tool_choice = tool_choice_of(arguments);
  made->request_.limits.max_rounds = arguments.tool_rounds;
  made->request_.approvals.mode = *mode;
  made->request_.approvals.rules = std::move(servers->rules);
  made->request_.approvals.memory = std::make_shared<ApprovalMemory>();
  if (has_terminal()) {
    made->request_.approvals.asker = [&questions = made->questions_](const ApprovalQuestion& question,
                                                                     const std::stop_token& asking) {
      questions.wait_for(question.call_id, asking);
      return ask_approval(question, asking);
    };
  }
  return made;
}

Result<RunResponse> GenerateTools::run(AgentServer& server, const GenerationRequest& request,
                                       const GenerateArguments& arguments, const Console& console,
                                       const std::stop_token& stop) {
  RunRequest whole = request_;
  const ToolChoice choice = std::move(whole.generation.tool_choice);
  whole.generation = request;
  whole.generation.tool_choice = choice;
  RunPrinter printer(console,
                     {.json = arguments.json, .show_thinking = arguments.show_thinking, .questions = &questions_});
  auto started = server.run_stream(whole, stop);
  if (!started) return std::unexpected(started.error());
  return printer.print(*started);
}

void GenerateTools::print_list(const std::stop_token& stop) {
  const ToolList list = tools_.list(stop);
  for (const ToolFailure& failure : list.failures) tell("Warning: {}", printable(failure.error.message));
  for (const ListedTool& tool : list.tools) {
    const std::string_view description = tool.definition.description;
    std::fputs(
        std::format("{}  {}\n", printable(tool.full_name()), shown(description.substr(0, description.find('\n')), 90))
            .c_str(),
        stdout);
  }
  if (list.tools.empty()) put_line(stdout, "There are no tools");
  std::fflush(stdout);
}

int run_status(const RunResponse& response, const Interrupt& interrupt) {
  switch (response.end) {
    case RunEnd::Answered:
    case RunEnd::TokenLimit:
      return kDone;
    case RunEnd::Cancelled:
      tell("Interrupted");
      return interrupt.signal() != 0 ? interrupt.exit_status() : kInternalError;
    default:
      tell("Error: the run was ended: {}{}", to_string(response.end),
           response.detail.empty() ? "" : ", " + response.detail);
      return kToolError;
  }
}

}  // namespace llama
