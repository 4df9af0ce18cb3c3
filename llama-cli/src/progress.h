// Show how far the work is and when it will be done.
//
// On a terminal one line is redrawn; elsewhere a plain line comes every few seconds.
// Threads  one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace llama {

[[nodiscard]] std::string with_thousands(std::uint64_t number);            // 1234567 -> "1,234,567"
[[nodiscard]] std::string format_duration(std::chrono::duration<double>);  // "45.2s", "3m 07s", "2h 05m"
[[nodiscard]] std::string format_size(std::uint64_t bytes);                // "2.1 MB" (powers of 1000)

// One line: "Progress: [████████░░] 800/1,000 (80%) - 4.5s elapsed, 1.1s left". Without a total there is no bar.
[[nodiscard]] std::string progress_line(std::uint64_t done, std::optional<std::uint64_t> total, std::chrono::duration<double> elapsed);

class Progress {
 public:
  Progress(std::FILE* stream, bool is_terminal, std::optional<std::uint64_t> total);
  ~Progress();
  void update(std::uint64_t done);
  void finish(std::uint64_t done);  // draws the end and leaves the line
  void clear();                     // wipes the line, for a message

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::uint64_t done);

  std::FILE* stream_;
  bool is_terminal_;
  std::optional<std::uint64_t> total_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_ = started_;
  bool line_open_ = false;
};

}  // namespace llama
