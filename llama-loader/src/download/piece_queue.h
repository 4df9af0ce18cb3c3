// Hand the missing pieces of a file to the lanes that fetch them.
//
// Threads  any number at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "download/byte_ranges.h"

namespace llama::internal {

struct FilePiece {
  ByteRange range;
  bool whole = false;  // the file from its beginning: what does not come must be fetched all over
};

class PieceQueue {
 public:
  PieceQueue(const std::vector<ByteRange>& missing, std::uint64_t size_bytes)
      : pieces_(missing.begin(), missing.end()), size_bytes_(size_bytes) {}

  // The next piece; waits while others may still give theirs back. Nothing when all is done, or stopped.
  [[nodiscard]] std::optional<FilePiece> take(const std::stop_token& stop);
  // With the range that is left of it, empty when it is done.
  void give_back(const FilePiece& piece);

  // The server gives the file from its beginning only: one lane at a time takes it whole.
  void no_pieces();
  // The same, told by a lane that gets the file from its beginning just now. True: this lane's piece is the whole file.
  [[nodiscard]] bool claim_whole();

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<ByteRange> pieces_;
  std::uint64_t size_bytes_;
  std::size_t taken_ = 0;
  bool whole_only_ = false;
  bool whole_taken_ = false;
};

}  // namespace llama::internal
