// Read what a person types: with editing and history on a terminal, plainly elsewhere.
//
// Threads  one at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "interrupt.h"

namespace llama {

class LineEditor {
 public:
  // Commands are completed with the Tab key.
  LineEditor(std::span<const char* const> commands, const Interrupt& interrupt);

  // The next line, without its end; nothing at the end of the input, or after a signal.
  [[nodiscard]] std::optional<std::string> read();
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  const Interrupt& interrupt_;
  bool is_terminal_;  // NOLINT(modernize-use-default-member-init): it asks the system
};

}  // namespace llama
