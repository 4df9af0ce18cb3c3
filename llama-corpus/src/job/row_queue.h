// What has been read and is not written yet, in the input's order: filled by the thread that reads, emptied by the one
// that writes.
//
// Bounded: when it is full the reading thread has everything answered, and waits until there is room again. Whoever
// writes takes all rows whose texts are answered, so that there will be.
// Threads  one that puts, one that takes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

#include "job_row.h"

namespace llama::internal {

class RowQueue {
 public:
  // For the thread that reads.
  [[nodiscard]] bool wait_for_room(const std::stop_token& stop);  // false: stopped
  [[nodiscard]] bool is_full() const;
  void put(AwaitedText text);  // in the order of the numbers, before the rows that need it
  void put(JobRow row);
  // Somebody waits for the rows before. No row after it needs a text up to this number.
  void put_flush(TextNumber forgotten = 0);
  void add_left_out(std::uint64_t rows);  // blank, and never seen here

  // For the thread that writes. The texts up to this number, and those after it that need no model.
  [[nodiscard]] std::vector<AwaitedText> take_texts(TextNumber up_to);
  struct Rows {
    std::vector<JobRow> rows;
    bool flush = false;        // after them
    TextNumber forgotten = 0;  // and then the texts up to this one are needed no more
  };
  // Rows that need no text above this number, in order, a thousand at most. Nothing: there are none now.
  [[nodiscard]] std::optional<Rows> take_rows(TextNumber answered);
  // How many rows take_rows() would give in all.
  [[nodiscard]] std::uint64_t count_rows(TextNumber answered) const;
  [[nodiscard]] std::uint64_t left_out() const;
  // Nothing more may come before rows are taken: the queue is full, or somebody waits.
  [[nodiscard]] bool is_stuck() const;
  [[nodiscard]] bool has_texts() const;  // that were put and not taken
  [[nodiscard]] bool is_empty() const;   // of rows and texts

 private:
  struct Flush {
    TextNumber forgotten = 0;
  };
  using Entry = std::variant<JobRow, Flush>;
  static std::size_t size_of(const JobRow& row);
  static std::size_t size_of(const AwaitedText& text);
  [[nodiscard]] bool has_room() const;  // under the mutex

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Entry> rows_;
  std::deque<AwaitedText> texts_;
  std::size_t bytes_ = 0;    // of both
  std::size_t flushes_ = 0;  // among the rows
  std::uint64_t left_out_ = 0;
};

}  // namespace llama::internal
