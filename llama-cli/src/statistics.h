// What --debug tells about a model's set-up and about an answer.
#pragma once

#include <chrono>
#include <string>

#include "llama-agent/agent_server.h"

namespace llama {

[[nodiscard]] std::string short_duration(std::chrono::duration<double> time);  // "850ms", "2.3s"

// On standard error.
void print_setup(const AgentServer& server, const SamplingWishes& wishes);
void print_statistics(const GenerationResponse& response);

}  // namespace llama
