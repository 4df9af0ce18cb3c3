// Share the terminal between questions and what is shown meanwhile.
//
// A question that waits for its answer is not written over: who has lines to show tries for a turn, and keeps them
// until the question is answered. A question begins on a line of its own, so it wipes a status line that stands there.
// Threads  any.
#pragma once

#include <mutex>
#include <optional>

namespace llama {

using TerminalTurn = std::unique_lock<std::mutex>;  // while it is held the terminal is its owner's

// Waits until no other question does.
[[nodiscard]] TerminalTurn turn_for_question();
// Nothing while a question waits for its answer.
[[nodiscard]] std::optional<TerminalTurn> turn_for_lines();
// Waits for it.
[[nodiscard]] TerminalTurn wait_for_lines();

// Of whoever draws a status line, in its turn: it stands there now, or does not.
void set_status_stands(bool stands);

}  // namespace llama
