// What the commands over vectors have in common: the file, the errors, the bar.
#pragma once

#include <cstdint>
#include <string_view>

#include "console.h"
#include "llama-vectors/vector_file.h"
#include "progress.h"
#include "vectors/vectors.h"

namespace llama {

[[nodiscard]] Step<VectorFile> open_vectors(const VectorArguments& arguments, const Interrupt& interrupt);

// An error where a folder's files are of different models: their vectors are not to be compared with each other.
[[nodiscard]] Step<void> check_one_model(const VectorFile& file);

// The exit status of an error of reading.
[[nodiscard]] int vector_status(ErrorCode code);

// "float32", "float16", "int8", "binary": as embed --dtype calls them.
[[nodiscard]] std::string_view dtype_name(VectorElement element);

// A report of which a line could not be written.
[[nodiscard]] Failure cut_off();

// Prints it. Returns the exit status.
[[nodiscard]] int tell_failure(const Failure& failure, const Interrupt& interrupt);

// "Reading: [███░] 4,000/10,000 …" on standard error, while rows are read.
// Threads  one at a time.
class RowsDisplay {
 public:
  RowsDisplay(const Console& console, std::string_view name, std::uint64_t rows)
      : quiet_(console.quiet), rows_(rows), progress_(stderr, console.terminal, name, rows, "rows") {}
  void update(std::uint64_t rows) {
    if (!quiet_ && rows_ > 0) progress_.update(rows, static_cast<double>(rows) / static_cast<double>(rows_));
  }
  void clear() { progress_.clear(); }

 private:
  bool quiet_;
  std::uint64_t rows_;
  Progress progress_;
};

}  // namespace llama
