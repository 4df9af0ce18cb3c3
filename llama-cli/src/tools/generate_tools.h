// The tools of `generate`: the servers of its config file, how calls are approved, and a run with them.
#pragma once

#include <memory>
#include <string>

#include "../console.h"
#include "../generate.h"
#include "../interrupt.h"
#include "llama-agent/agent_server.h"
#include "llama-mcp/mcp_servers.h"
#include "shown_questions.h"

namespace llama {

class GenerateTools {
 public:
  // Reads the config and starts nothing.
  [[nodiscard]] static Step<std::unique_ptr<GenerateTools>> open(const GenerateArguments& arguments,
                                                                 const Interrupt& interrupt, const Console& console);

  // Runs the model until it answers, and shows it. The session's last message is what is answered.
  [[nodiscard]] Result<RunResponse> run(AgentServer& server, const GenerationRequest& request,
                                        const GenerateArguments& arguments, const Console& console,
                                        const std::stop_token& stop);
  // What there is, as the model knows it, with each server that gives nothing and why.
  void print_list(const std::stop_token& stop);

 private:
  std::shared_ptr<McpServers> servers_;
  ToolSet tools_;
  ShownQuestions questions_;
  RunRequest request_;
};

// The exit status of a run that came to its end; what it was is told.
[[nodiscard]] int run_status(const RunResponse& response, const Interrupt& interrupt);

}  // namespace llama
