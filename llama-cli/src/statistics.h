// What is told about a model's set-up, a schema and an answer, beside the answer itself.
#pragma once

#include <chrono>
#include <string>

#include "llama-agent/agent_server.h"
#include "llama-agent/json_schema.h"

namespace llama {

[[nodiscard]] std::string short_duration(std::chrono::duration<double> time);  // "850ms", "2.3s"

// On standard error.
void show_unenforced(const JsonSchema& schema, const std::string& file);  // in one line, if there is anything
void print_setup(const AgentServer& server, const SamplingWishes& wishes);
void print_statistics(const GenerationResponse& response);

}  // namespace llama
