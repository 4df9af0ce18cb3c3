// Show a reply while it comes: text on standard output, or one JSON object per line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "console.h"
#include "llama-agent/agent_server.h"

namespace llama {

// The last line of an answer that is printed as JSON.
[[nodiscard]] nlohmann::ordered_json done_json(const GenerationResponse& response);

class AnswerPrinter {
 public:
  struct Options {
    bool json = false;
    bool show_thinking = false;  // on standard error
  };
  AnswerPrinter(const Console& console, const Options& options) : console_(console), options_(options) {}

  // Prints to the reply's end.
  //
  // Errors   Io (standard output is gone or full; the reply is cancelled then), and what the reply fails with.
  [[nodiscard]] Result<GenerationResponse> print(GenerationStream& stream);
  // As JSON, where JSON is printed.
  void print_error(const Error& error);

 private:
  [[nodiscard]] Result<void> write_line(const nlohmann::ordered_json& object);
  void write_thinking(std::string_view text);
  void end_thinking();

  const Console& console_;
  Options options_;
  bool thinking_open_ = false;
};

}  // namespace llama
