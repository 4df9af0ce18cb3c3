// Read texts from a file or standard input, one per line.
//
// Lines end with \n or \r\n, the last one may lack it; a byte-order mark at the start is dropped; the rest of a line is
// the text, byte for byte, NUL bytes included. Lines of white space alone are skipped and counted.
// Memory   one buffer and the longest line.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "llama-base/error.h"

namespace llama {

struct Line {
  std::string text;
  std::uint64_t number = 0;  // counted from 1
  bool valid_utf8 = true;
};

class LineReader {
 public:
  // "-" is standard input.
  //
  // Errors   NotFound, Io (a directory, no permission).
  [[nodiscard]] static Result<LineReader> open(const std::filesystem::path& path);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  // The next line that is not blank; nothing at the end.
  //
  // Errors   Io; Cancelled soon after a stop is requested, also while a terminal or pipe has nothing to read.
  [[nodiscard]] Result<std::optional<Line>> next(const std::stop_token& stop = {});

  [[nodiscard]] std::uint64_t blank_lines() const;  // so far

 private:
  struct State;
  explicit LineReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct TextCount {
  std::uint64_t texts = 0;
  std::uint64_t bytes = 0;  // of those texts
};

// Count the lines that next() would return. Nothing for standard input, pipes and other files that read only once.
[[nodiscard]] Result<std::optional<TextCount>> count_texts(const std::filesystem::path& path);

}  // namespace llama
