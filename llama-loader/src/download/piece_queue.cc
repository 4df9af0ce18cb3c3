#include "download/piece_queue.h"

namespace llama::internal {

std::optional<FilePiece> PieceQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return whole_only_ ? taken_ == 0 : !pieces_.empty() || taken_ == 0; };
  if (!changed_.wait(lock, stop, ready) || pieces_.empty()) return std::nullopt;
  const ByteRange range = pieces_.front();
  pieces_.pop_front();
  ++taken_;
  whole_taken_ = whole_only_;
  return FilePiece{.range = range, .whole = whole_only_};
}

void PieceQueue::give_back(const FilePiece& piece) {
  {
    const std::scoped_lock lock(mutex_);
    --taken_;
    const bool left = piece.range.begin < piece.range.end;
    if (whole_only_) {
      // Only the lane that had the whole may want it again; what others had is part of it.
      if (piece.whole) whole_taken_ = false;
      if (piece.whole && left) pieces_.assign(1, ByteRange{0, size_bytes_});
    } else if (left) {
      pieces_.push_front(piece.range);
    }
  }
  changed_.notify_all();
}

void PieceQueue::no_pieces() {
  {
    const std::scoped_lock lock(mutex_);
    if (whole_only_) return;
    whole_only_ = true;
    pieces_.assign(1, ByteRange{0, size_bytes_});
  }
  changed_.notify_all();
}

bool PieceQueue::claim_whole() {
  const std::scoped_lock lock(mutex_);
  if (whole_taken_) return false;
  whole_only_ = whole_taken_ = true;
  pieces_.clear();
  return true;
}

}  // namespace llama::internal
