// The generate command: a prompt, or a chat, and the model's answer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "interrupt.h"
#include "llama-agent/agent_server.h"
#include "loader_flags.h"

namespace llama {

struct GenerateArguments {
  LoaderFlags loader;
  std::optional<std::string> prompt;  // "-": standard input
  std::optional<std::filesystem::path> prompt_file;
  std::string system;
  SamplingWishes sampling;
  std::int32_t limit = 512;  // tokens
  std::vector<std::string> stop;
  std::optional<std::filesystem::path> json_schema, grammar, chat_template;
  std::optional<std::string> thinking;  // "on", "off"; nothing: as the model does
  std::optional<std::int32_t> thinking_budget;
  std::optional<std::int32_t> logprobs;
  std::int32_t batch_size = 512;
  std::int32_t max_queue_size = 10;
  std::int32_t request_timeout = 120;  // seconds
  std::int32_t worker_threads = 1;
  std::int32_t max_sessions = 10;
  std::optional<std::int32_t> session_timeout;  // seconds; nothing: an hour, but a chat waits for its user
  std::int32_t threads = 0;
  std::int32_t context = 0;
  std::optional<std::string> overflow;              // "fail", "drop-oldest"; nothing: a chat drops, a prompt fails
  std::optional<std::filesystem::path> mcp_config;  // whose tools the model may call
  std::string approve = "ask", tool_choice = "auto";
  std::int32_t tool_rounds = 25;
  bool detect_repetition = false;
  bool chat = false;
  bool show_thinking = false;
  bool json = false;
  bool quiet = false;
  bool debug = false;
};

// Of an answer that failed.
[[nodiscard]] int answer_status(ErrorCode code);

[[nodiscard]] Command generate_command();

// Returns the exit status (exit_status.h).
[[nodiscard]] int run_generate(const GenerateArguments& arguments, Interrupt& interrupt);

}  // namespace llama
