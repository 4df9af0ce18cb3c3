// Stop a run whose standard output nobody reads any more: the program at the other end of the pipe is gone.
//
// A write would tell it too, but the next one may be minutes of computing away, and whoever is killed leaves no process
// that computes for nobody.
// Threads  one of its own; the destructor ends it.
#pragma once

#include <array>
#include <atomic>
#include <stop_token>
#include <thread>

namespace llama {

class OutputWatch {
 public:
  // file: a pipe or a socket; of anything else nothing is ever told. stop: asked to stop, once.
  OutputWatch(int file, std::stop_source stop);
  ~OutputWatch();
  OutputWatch(const OutputWatch&) = delete;
  OutputWatch& operator=(const OutputWatch&) = delete;

  [[nodiscard]] bool is_closed() const { return is_closed_; }

 private:
  void watch(int file, const std::stop_source& stop);

  std::atomic<bool> is_closed_{false};
  std::array<int, 2> wake_{-1, -1};  // a pipe; its other end is closed when the run is over
  std::thread thread_;
};

}  // namespace llama
