// Hand out the lines of a file, a pipe or standard input as texts.
//
// Lines end with \n or \r\n, the last one may lack it; a byte-order mark of UTF-8 at the start is dropped; the rest of
// a line is the text, byte for byte, NUL bytes included. Lines of white space alone are skipped and counted. A row's
// number is that of its line, counted from 1. A file that is plainly no text in UTF-8 (UTF-16, an image, an archive,
// Parquet) is refused as a whole.
//
// Memory   one buffer and the longest line.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "llama-embedding/text_source.h"

namespace llama {

class TextFile : public TextSource {
 public:
  // "-" is standard input. A FIFO is opened without waiting for its writer.
  //
  // Errors   NotFound, Io (a folder, no permission), InvalidText (no text in UTF-8; of a pipe next() says so).
  [[nodiscard]] static Result<std::unique_ptr<TextFile>> open(const std::filesystem::path& path);
  ~TextFile() override;

  // Read all of it to find total(), then go back to the beginning. Does nothing with what can be read only once: a
  // pipe, a terminal.
  //
  // Errors   Io, Cancelled.
  // Requires that next() was not called yet.
  // Cost     a gigabyte a second; no memory for lines.
  [[nodiscard]] Result<void> count(const std::stop_token& stop = {},
                                   const std::function<void(double fraction)>& on_progress = {});

  // Errors   Io, InvalidText, Cancelled; a stop is also noticed while a terminal or pipe has nothing to read.
  [[nodiscard]] Result<SourceBatch> next(SourceLimits limits, const std::stop_token& stop) override;
  [[nodiscard]] std::optional<TextCount> total() const override;  // after count()
  [[nodiscard]] std::string name_of(std::uint64_t row) const override;

 private:
  struct State;
  explicit TextFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
