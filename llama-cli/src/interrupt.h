// Turn Ctrl-C and SIGTERM into a stop request that the work asks for.
//
// A second signal ends the program at once.
// Threads  create the one object before any other thread starts: threads inherit the blocked signals.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace llama {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] int exit_status() const;  // 128 + the signal's number

 private:
  std::stop_source source_;
  std::atomic<int> signal_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace llama
