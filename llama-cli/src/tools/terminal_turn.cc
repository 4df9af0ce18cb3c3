#include "terminal_turn.h"

#include <cstdio>

namespace llama {
namespace {

struct SharedTerminal {
  std::mutex mutex;
  bool status_stands = false;  // under the mutex
};

SharedTerminal& shared_terminal() {
  static SharedTerminal terminal;
  return terminal;
}

}  // namespace

TerminalTurn turn_for_question() {
  TerminalTurn turn(shared_terminal().mutex);
  if (shared_terminal().status_stands) std::fputs("\r\033[K", stderr);
  shared_terminal().status_stands = false;
  return turn;
}

std::optional<TerminalTurn> turn_for_lines() {
  TerminalTurn turn(shared_terminal().mutex, std::try_to_lock);
  if (!turn.owns_lock()) return std::nullopt;
  return turn;
}

TerminalTurn wait_for_lines() { return TerminalTurn(shared_terminal().mutex); }

void set_status_stands(bool stands) { shared_terminal().status_stands = stands; }

}  // namespace llama
