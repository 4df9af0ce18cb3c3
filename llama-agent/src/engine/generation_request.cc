#include "llama-agent/generation_request.h"

#include <cmath>
#include <format>

#include "../tools/grammar/offered_tools.h"

namespace llama {
namespace {

constexpr std::int32_t kMaxTokens = 32'768;
constexpr std::size_t kMaxStopStrings = 20;
constexpr std::size_t kMaxStopString = 100;  // bytes
constexpr std::int32_t kMaxLogProbs = 20;

std::unexpected<Error> wrong(std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); }

Result<void> check_between(std::string_view name, const std::optional<float>& value, float least, float most) {
  if (!value || (*value >= least && *value <= most)) return {};  // NaN fails
  return wrong(std::format("{} must be between {} and {}, got {}", name, least, most, *value));
}

}  // namespace

Result<void> check(const GenerationRequest& r) {
  const StoppingConfig& s = r.stopping;
  if (s.max_tokens < 1 || s.max_tokens > kMaxTokens) {
    return wrong(std::format("the token limit must be between 1 and {}, got {}", kMaxTokens, s.max_tokens));
  }
  if (s.stop_strings.size() > kMaxStopStrings) {
    return wrong(std::format("{} stop strings, at most {} are possible", s.stop_strings.size(), kMaxStopStrings));
  }
  for (const auto& string : s.stop_strings) {
    if (string.empty()) return wrong("a stop string is empty");
    if (string.size() > kMaxStopString) {
      return wrong(std::format("a stop string has {} bytes, at most {} are possible", string.size(), kMaxStopString));
    }
  }
  if (s.repetition) {
    if (auto sound = check(*s.repetition); !sound) return sound;
  }
  if (s.time_limit && s.time_limit->count() <= 0) return wrong("the time limit must be greater than 0");
  const SamplingWishes& w = r.sampling;
  if (auto sound = check_between("temperature", w.temperature, 0, 2); !sound) return sound;
  if (auto sound = check_between("top-p", w.top_p, 0, 1); !sound) return sound;
  if (auto sound = check_between("min-p", w.min_p, 0, 1); !sound) return sound;
  if (auto sound = check_between("repeat penalty", w.repeat_penalty, 0.01F, 10); !sound) return sound;
  if (w.top_k && *w.top_k < 0) return wrong(std::format("top-k must not be negative, got {}", *w.top_k));
  if (r.thinking_budget && *r.thinking_budget < 0) return wrong("the thinking budget must not be negative");
  if (r.logprobs && (*r.logprobs < 0 || *r.logprobs > kMaxLogProbs)) {
    return wrong(std::format("{} alternatives per token, 0 to {} are possible", *r.logprobs, kMaxLogProbs));
  }
  if (!r.json_schema.empty() && !r.grammar.empty()) return wrong("a JSON schema and a grammar exclude each other");
  if (!r.tools.empty() && !(r.json_schema.empty() && r.grammar.empty())) {
    return wrong("tools and an answer that is held to a JSON schema or a grammar exclude each other");
  }
  const auto tools = internal::read_offered_tools(r.tools);
  if (!tools) return std::unexpected(tools.error());
  return internal::check_choice(r.tool_choice, *tools);
}

}  // namespace llama
