// One line at the end of a terminal that is drawn again and again; elsewhere a plain line every few seconds.
//
// Threads  one at a time.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace llama {

class StatusLine {
 public:
  StatusLine(std::FILE* stream, bool is_terminal) : stream_(stream), is_terminal_(is_terminal) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  [[nodiscard]] bool is_due() const;     // enough time has passed since the last drawing
  void draw(const std::string& line);    // now
  void finish(const std::string& line);  // draws the end and leaves the line
  void clear();                          // wipes the line, for a message

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* stream_;
  bool is_terminal_;
  Clock::time_point drawn_ = Clock::now();
  bool open_ = false;
};

// "[████████░░░░]"
[[nodiscard]] std::string bar(double fraction);

}  // namespace llama
