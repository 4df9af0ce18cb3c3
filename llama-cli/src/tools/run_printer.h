// Show a run while it goes on: the answer on standard output, calls and results folded on standard error, or all of it
// as one JSON object per line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "../console.h"
#include "../status_line.h"
#include "llama-agent/agent_run.h"
#include "shown_questions.h"

namespace llama {

class RunPrinter {
 public:
  struct Options {
    bool json = false;
    bool show_thinking = false;           // on standard error
    ShownQuestions* questions = nullptr;  // told of each question once all before it is shown
  };
  RunPrinter(const Console& console, const Options& options);

  // Prints to the run's end.
  //
  // Errors   Io (standard output is gone or full; the run is cancelled then), and what the run fails with.
  [[nodiscard]] Result<RunResponse> print(AgentRun& run);

 private:
  [[nodiscard]] Result<void> write_line(const nlohmann::ordered_json& object);
  [[nodiscard]] Result<void> take(RunEvent event);
  [[nodiscard]] Result<void> show_kept();
  [[nodiscard]] Result<void> show(const RunEvent& event);
  [[nodiscard]] Result<void> show_text(const std::string& text);
  void show_thinking(const std::string& text);
  void show_line(const std::string& line);  // of a call, for people
  void show_progress(const CallProgress& progress);

  const Console& console_;
  Options options_;
  StatusLine status_;
  std::vector<RunEvent> kept_;  // that came while a question waited for its answer
  bool is_at_line_start_ = true, is_thinking_ = false;
};

}  // namespace llama
