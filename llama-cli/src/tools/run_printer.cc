#include "run_printer.h"

#include <format>
#include <nlohmann/json.hpp>
#include <variant>

#include "../answer_printer.h"
#include "../progress.h"
#include "question_prompt.h"
#include "shown_text.h"
#include "terminal_turn.h"

namespace llama {
namespace {

using RunJson = nlohmann::ordered_json;

constexpr std::size_t kMaxCallLine = 120, kMaxResultLine = 100;

template <class... F>
struct EventCases : F... {
  using F::operator()...;
};

// Nothing of events that JSON does not show: deltas carry the call's beginning, its arguments and its end.
RunJson json_of(const RunEvent& event) {
  return std::visit(
      EventCases{[](const TextEvent& e) { return RunJson{{"type", "delta"}, {"text", e.text}}; },
                 [](const ThinkingEvent& e) { return RunJson{{"type", "delta"}, {"text", ""}, {"thinking", e.text}}; },
                 [](const ApprovalWanted& e) {
                   return RunJson{{"type", "approval_wanted"},
                                  {"id", e.question.call_id},
                                  {"name", e.question.name},
                                  {"arguments", e.question.arguments}};
                 },
                 [](const ApprovalDecided& e) {
                   return RunJson{{"type", "approval"}, {"id", e.id}, {"allowed", e.is_allowed}, {"reason", e.reason}};
                 },
                 [](const CallStarted& e) {
                   return RunJson{{"type", "call"}, {"id", e.id}, {"name", e.name}, {"arguments", e.arguments}};
                 },
                 [](const CallProgress& e) {
                   RunJson object{{"type", "progress"}, {"id", e.id}, {"progress", e.progress.progress}};
                   if (e.progress.total) object["total"] = *e.progress.total;
                   if (!e.progress.message.empty()) object["message"] = e.progress.message;
                   return object;
                 },
                 [](const CallResult& e) {
                   return RunJson{{"type", "result"},
                                  {"id", e.id},
                                  {"name", e.name},
                                  {"text", e.result.text},
                                  {"is_error", e.result.is_error},
                                  {"was_run", e.was_run},
                                  {"cut_bytes", e.cut_bytes},
                                  {"milliseconds", e.time.count()}};
                 },
                 [](const RoundEnded& e) {
                   return RunJson{{"type", "round"},
                                  {"round", e.round},
                                  {"finish", to_string(e.finish_reason)},
                                  {"generated_tokens", e.usage.generated_tokens}};
                 },
                 [](const RunRemark& e) { return RunJson{{"type", "remark"}, {"text", e.text}}; },
                 [](const auto&) { return RunJson(); }},
      event);
}

std::string line_of(const CallResult& result) {
  const std::string text = shown(result.result.text, kMaxResultLine);
  if (!result.was_run) return std::format("✗ {}: {}", printable(result.name), text);
  const std::string cut = result.cut_bytes > 0 ? std::format(", {} bytes cut", with_thousands(result.cut_bytes)) : "";
  return std::format("{} {}, {} ms{}: {}", result.result.is_error ? "✗" : "←", printable(result.name),
                     result.time.count(), cut, text);
}

}  // namespace

RunPrinter::RunPrinter(const Console& console, const Options& options)
    : console_(console), options_(options), status_(stderr, console.terminal) {}

Result<void> RunPrinter::write_line(const RunJson& object) {
  return print_text(object.dump(-1, ' ', false, RunJson::error_handler_t::replace) + "\n");
}

Result<void> RunPrinter::show_text(const std::string& text) {
  if (text.empty()) return {};
  if (is_thinking_) show_line("");
  is_at_line_start_ = text.ends_with('\n');
  return print_text(text);
}

void RunPrinter::show_thinking(const std::string& text) {
  if (!options_.show_thinking || text.empty()) return;
  std::fputs(!is_thinking_ && console_.terminal ? "\033[2m" : "", stderr);  // dim
  is_thinking_ = true;
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

// The answer's line and the thought are ended first.
void RunPrinter::show_line(const std::string& line) {
  status_.clear();
  set_status_stands(false);
  if (std::exchange(is_thinking_, false)) put_line(stderr, console_.terminal ? "\033[0m" : "");
  if (!std::exchange(is_at_line_start_, true)) static_cast<void>(print_text("\n"));
  if (!line.empty())
    console_.line("{}{}{}", console_.terminal ? "\033[2m" : "", line, console_.terminal ? "\033[0m" : "");
}

void RunPrinter::show_progress(const CallProgress& progress) {
  if (!console_.terminal || console_.quiet || !status_.is_due()) return;
  const std::string of = progress.progress.total ? std::format(" of {}", *progress.progress.total) : "";
  status_.draw(std::format("  {}{} {}", progress.progress.progress, of, shown(progress.progress.message, 60)));
  set_status_stands(true);
}

Result<void> RunPrinter::show(const RunEvent& event) {
  if (options_.json) {
    const RunJson object = json_of(event);
    return object.is_null() ? Result<void>() : write_line(object);
  }
  if (const auto* text = std::get_if<TextEvent>(&event)) return show_text(text->text);
  std::visit(
      EventCases{[&](const ThinkingEvent& e) { show_thinking(e.text); }, [&](const ApprovalWanted&) { show_line(""); },
                 [&](const CallStarted& e) {
                   show_line(std::format("→ {} {}", printable(e.name), shown(e.arguments, kMaxCallLine)));
                 },
                 [&](const CallProgress& e) { show_progress(e); }, [&](const CallResult& e) { show_line(line_of(e)); },
                 [&](const RunRemark& e) {
                   show_line("");
                   tell("Warning: {}", printable(e.text));
                 },
                 [](const auto&) {}},
      event);
  return {};
}

Result<void> RunPrinter::show_kept() {
  for (const RunEvent& event : std::exchange(kept_, {}))
    if (auto written = show(event); !written) return written;
  return {};
}

// The run goes on while a person thinks about a question, and its events are read: they are shown after the answer.
Result<void> RunPrinter::take(RunEvent event) {
  const auto* wanted = std::get_if<ApprovalWanted>(&event);
  const std::string asked = wanted == nullptr ? "" : wanted->question.call_id;
  Result<void> written;
  if (options_.json) {
    written = show(event);
  } else if (const auto turn = turn_for_lines()) {
    written = show_kept().and_then([&] { return show(event); });
  } else if (!std::holds_alternative<CallProgress>(event)) {
    kept_.push_back(std::move(event));
  }
  if (wanted != nullptr && options_.questions != nullptr) options_.questions->announce(asked);
  return written;
}

Result<RunResponse> RunPrinter::print(AgentRun& run) {
  for (;;) {
    auto event = run.next();
    if (event && *event) {
      auto written = take(std::move(**event));
      if (written) continue;
      run.cancel();
      return std::unexpected(written.error());
    }
    const auto turn = wait_for_lines();
    if (auto written = show_kept(); !written) return std::unexpected(written.error());
    if (!options_.json || !event) show_line("");
    if (!event) return std::unexpected(event.error());
    break;
  }
  if (!options_.json) return run.response();
  const RunResponse& response = run.response();
  RunJson done = done_json(response.reply);
  done["end"] = to_string(response.end);
  if (!response.detail.empty()) done["end_detail"] = response.detail;
  done["rounds"] = response.rounds;
  done["calls"] = response.calls.size();
  if (auto written = write_line(done); !written) return std::unexpected(written.error());
  return response;
}

}  // namespace llama
