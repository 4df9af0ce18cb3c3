#include "statistics.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <print>

#include "progress.h"

namespace llama {
namespace {

double rate(std::int64_t tokens, std::chrono::milliseconds time) {
  return time.count() > 0 ? 1e3 * static_cast<double>(tokens) / static_cast<double>(time.count()) : 0;
}

}  // namespace

std::string short_duration(std::chrono::duration<double> time) {
  return time.count() < 1 ? std::format("{:.0f}ms", time.count() * 1e3) : format_duration(time);
}

void print_setup(const AgentServer& server, const SamplingWishes& wishes) {
  std::println(stderr, "Context: {} tokens", server.context_tokens());
  std::println(stderr, "Device: {}", server.device());
  std::println(stderr, "Chat template: {}", server.chat_template().origin());
  for (const auto& setting : server.sampling(wishes).origins) {
    std::println(stderr, "{}: {} ({})", setting.name, setting.value, setting.origin);
  }
}

void print_statistics(const GenerationResponse& r) {
  const auto computed = r.usage.prompt_tokens - r.usage.reused_tokens;
  // The first token comes with the prompt.
  const auto drawn = std::max(0, r.usage.generated_tokens - 1);
  std::println(stderr, "Generation statistics:");
  std::println(stderr, "  Prompt tokens: {} ({} of them reused)", r.usage.prompt_tokens, r.usage.reused_tokens);
  std::println(stderr, "  Prompt speed: {:.1f} tokens/s", rate(computed, r.prompt_time));
  std::println(stderr, "  Tokens generated: {}", r.usage.generated_tokens);
  std::println(stderr, "  Generation speed: {:.1f} tokens/s", rate(drawn, r.generation_time));
  std::println(stderr, "  Finish reason: {}{}", to_string(r.finish_reason),
               r.finish_detail.empty() ? "" : std::format(" ({})", r.finish_detail));
  std::println(stderr, "  Seed: {}", r.sampling.seed);
}

}  // namespace llama
