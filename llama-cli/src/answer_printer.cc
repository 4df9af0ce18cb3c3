#include "answer_printer.h"

#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <print>

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

// 0.7, and not the double next to the float: 0.699999988079071.
Json number(float value) {
  return std::isfinite(value) ? Json::parse(std::format("{}", value), nullptr, false) : Json();
}

// A token need not be whole characters: `bytes` says what it is, `token` shows what can be shown.
Json token_json(const std::string& bytes, float logprob) {
  Json values = Json::array();
  for (const char byte : bytes) values.push_back(static_cast<unsigned char>(byte));
  return {{"token", bytes}, {"bytes", std::move(values)}, {"logprob", number(logprob)}};
}

Json delta_json(const StreamChunk& chunk) {
  Json object{{"type", "delta"}, {"text", chunk.text}};
  if (!chunk.thinking.empty()) object["thinking"] = chunk.thinking;
  object["tokens"] = chunk.tokens;
  for (const auto& token : chunk.logprobs) {
    Json entry = token_json(token.bytes, token.logprob);
    entry["top"] = Json::array();
    for (const auto& other : token.alternatives) entry["top"].push_back(token_json(other.bytes, other.logprob));
    object["logprobs"].push_back(std::move(entry));
  }
  return object;
}

}  // namespace

Json done_json(const GenerationResponse& r) {
  Json object{
      {"type", "done"}, {"finish_reason", openai_name(r.finish_reason)}, {"finish", to_string(r.finish_reason)}};
  if (!r.finish_detail.empty()) object["finish_detail"] = r.finish_detail;
  if (!r.schema_violation.empty()) object["schema_violation"] = r.schema_violation;
  object["usage"] = {{"prompt_tokens", r.usage.prompt_tokens},
                     {"reused_tokens", r.usage.reused_tokens},
                     {"generated_tokens", r.usage.generated_tokens},
                     {"dropped_messages", r.usage.dropped_messages}};
  object["milliseconds"] = {
      {"queue", r.queue_time.count()}, {"prompt", r.prompt_time.count()}, {"generation", r.generation_time.count()}};
  object["sampling"] = {{"temperature", number(r.sampling.temperature)},
                        {"top_k", r.sampling.top_k},
                        {"top_p", number(r.sampling.top_p)},
                        {"min_p", number(r.sampling.min_p)},
                        {"repeat_penalty", number(r.sampling.repeat_penalty)},
                        {"seed", r.sampling.seed}};
  object["device"] = r.device;
  return object;
}

Result<void> AnswerPrinter::write_line(const Json& object) {
  return print_text(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void AnswerPrinter::write_thinking(std::string_view text) {
  if (!options_.show_thinking || text.empty()) return;
  if (!thinking_open_ && console_.terminal) std::print(stderr, "\033[2m");  // dim
  thinking_open_ = true;
  std::print(stderr, "{}", text);
  std::fflush(stderr);
}

void AnswerPrinter::end_thinking() {
  if (!thinking_open_) return;
  thinking_open_ = false;
  std::println(stderr, "{}\n", console_.terminal ? "\033[0m" : "");
}

Result<GenerationResponse> AnswerPrinter::print(GenerationStream& stream) {
  bool at_line_start = true;
  for (;;) {
    auto chunk = stream.next();
    if (!chunk) {
      end_thinking();
      return std::unexpected(chunk.error());
    }
    if (!*chunk) break;
    Result<void> written;
    if (options_.json) {
      written = write_line(delta_json(**chunk));
    } else {
      write_thinking((*chunk)->thinking);
      if (!(*chunk)->text.empty()) {
        end_thinking();
        written = print_text((*chunk)->text);
        at_line_start = (*chunk)->text.ends_with('\n');
      }
    }
    if (!written) {
      stream.cancel();
      return std::unexpected(written.error());
    }
  }
  end_thinking();
  const GenerationResponse& response = stream.response();
  const auto written = options_.json   ? write_line(done_json(response))
                       : at_line_start ? Result<void>()
                                       : print_text("\n");
  if (!written) return std::unexpected(written.error());
  const bool only_thought = response.generated_text.empty() && !response.thinking.empty();
  if (only_thought && !options_.json && response.finish_reason != FinishReason::Cancelled) {
    std::println(stderr, "Warning: the model thought, and then did not answer{}",
                 options_.show_thinking ? "" : " (--show-thinking shows the thought)");
  }
  return response;
}

void AnswerPrinter::print_error(const Error& error) {
  if (options_.json) static_cast<void>(write_line({{"type", "error"}, {"message", error.message}}));
}

}  // namespace llama
