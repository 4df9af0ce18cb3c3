// Show how far the work is and when it will be done.
//
// On a terminal one line is redrawn; elsewhere a plain line comes every few seconds.
// What is done within a moment shows nothing.
// Threads  one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "status_line.h"

namespace llama {

[[nodiscard]] std::string with_thousands(std::uint64_t number);            // 1234567 -> "1,234,567"
[[nodiscard]] std::string format_duration(std::chrono::duration<double>);  // "45.2s", "3m 07s", "2h 05m"
[[nodiscard]] std::string format_size(std::uint64_t bytes);                // "2.1 MB" (powers of 1000)

struct ProgressState {
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total;  // nothing where the input's length is unknown
  double fraction = 0;                 // of the work: a long text is more of it than a short one
  std::chrono::duration<double> elapsed{0};
  // What an earlier run has done, and the part of `elapsed` that it took to find that again: the time left is reckoned
  // by what has been done since.
  double fraction_before = 0;
  std::chrono::duration<double> elapsed_before{0};
  std::string_view unit = "texts";  // what is counted
};

// One line: "Progress: [████████░░] 800/1,000 (80%) - 4.5s elapsed, 1.1s left". Without a total there is no bar.
[[nodiscard]] std::string progress_line(std::string_view name, const ProgressState& state);

class Progress {
 public:
  Progress(std::FILE* stream, bool is_terminal, std::string_view name, std::optional<std::uint64_t> total,
           std::string_view unit = "texts");
  void go_on_from(std::uint64_t done) { before_ = done; }  // an earlier run has done so many
  void update(std::uint64_t done, double fraction);
  void finish(std::uint64_t done);  // draws the end and leaves the line
  void clear();                     // wipes the line, for a message

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string line(std::uint64_t done, double fraction) const;

  std::uint64_t before_ = 0;
  double fraction_before_ = 0;
  Clock::duration elapsed_before_{0};
  std::string name_, unit_;
  std::optional<std::uint64_t> total_;
  Clock::time_point started_ = Clock::now();
  StatusLine line_;
};

}  // namespace llama
