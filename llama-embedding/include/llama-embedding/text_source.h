// Say where texts come from: the lines of a file, the rows of a table, what a program sends through a pipe.
//
// A source hands out texts in order, under its own row numbers; whoever embeds them (EmbeddingStream) answers each
// under that number, in the same order, and knows nothing of files or tables: a new kind of input is a new source and
// nothing else.
//
// Threads  next() is called by one thread of the stream's; total() and name_of() by any, also meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// One row: its text, or why it has none. A row without a text becomes a failure of its own, and the rest goes on.
struct SourceText {
  std::uint64_t row = 0;  // the source's own number of it
  Result<std::string> text;
};

// What is to be expected after a batch.
enum class SourceState {
  More,   // the next call will not wait
  Pause,  // nothing more for now: the next call may wait long, so everything handed out so far is answered first
  End,    // nothing more at all
};

struct SourceBatch {
  std::vector<SourceText> texts;
  std::uint64_t skipped = 0;  // rows that hold no text and are none's failure (blank lines): counted, nothing else
  SourceState state = SourceState::More;
};

struct SourceLimits {
  std::size_t max_texts = 0;  // at least 1
  std::size_t max_bytes = 0;  // a text that passes them is the last of its batch
};

struct TextCount {
  std::uint64_t texts = 0;
  std::uint64_t bytes = 0;  // of those texts
};

class TextSource {
 public:
  virtual ~TextSource() = default;
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  // The next texts. Waits for input in the first call and in one that follows a Pause, and in no other: what is not
  // there then ends the batch, which may be empty, with a Pause. A source that never waits says More until its End.
  //
  // Errors   whatever ends the source; Cancelled soon after a stop is requested. Texts of earlier batches are answered
  //          all the same.
  [[nodiscard]] virtual Result<SourceBatch> next(SourceLimits limits, const std::stop_token& stop) = 0;

  // How many texts there are from beginning to end; nothing where that is not known.
  [[nodiscard]] virtual std::optional<TextCount> total() const { return std::nullopt; }

  // What people call the row: "row 17", "line 17".
  [[nodiscard]] virtual std::string name_of(std::uint64_t row) const;

 protected:
  TextSource() = default;
};

}  // namespace llama
