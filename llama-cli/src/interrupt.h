// Turn Ctrl-C and SIGTERM into a stop request that the work asks for.
//
// A second signal ends the program at once.
// Threads  create the one object before any other thread starts: threads inherit the blocked signals.
#pragma once

#include <atomic>
#include <csignal>
#include <mutex>
#include <stop_token>
#include <thread>

namespace llama {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const;
  // The signal that came; 0 where none did.
  [[nodiscard]] int signal() const { return signal_; }
  [[nodiscard]] int exit_status() const { return 128 + signal_; }
  // Go on after a Ctrl-C: it stopped what ran, and token() is a new one. Other signals stay.
  void forgive();

 private:
  void on_signal(int signal);

  mutable std::mutex mutex_;
  std::stop_source source_;  // under mutex_
  std::atomic<int> signal_{0};
  std::atomic<bool> over_{false};
  sigset_t before_{};  // the signals that were blocked
  std::thread thread_;
};

}  // namespace llama
