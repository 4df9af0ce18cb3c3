#include "row_queue.h"

#include <utility>

namespace llama::internal {
namespace {

// Three of the stream's windows are in flight at most: rows without duplicates never fill the queue.
constexpr std::size_t kMaxRows = 8192;
constexpr std::size_t kMaxBytes = 64 << 20;
constexpr std::size_t kTakenRows = 1024;
constexpr std::size_t kTakenBytes = 16 << 20;

}  // namespace

std::size_t RowQueue::size_of(const JobRow& row) {
  return sizeof(Entry) + (row.text ? row.text->size() : 0) + row.pieces.size() * sizeof(TextPiece);
}

std::size_t RowQueue::size_of(const AwaitedText& text) {
  return sizeof(AwaitedText) + (text.known ? text.known->vector.size() * sizeof(float) : 0);
}

bool RowQueue::has_room() const { return rows_.size() < kMaxRows && bytes_ < kMaxBytes; }

bool RowQueue::is_full() const {
  const std::scoped_lock lock(mutex_);
  return !has_room();
}

bool RowQueue::wait_for_room(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait(lock, stop, [&] { return has_room(); });
}

void RowQueue::put(AwaitedText text) {
  const std::scoped_lock lock(mutex_);
  bytes_ += size_of(text);
  texts_.push_back(std::move(text));
}

void RowQueue::put(JobRow row) {
  const std::scoped_lock lock(mutex_);
  bytes_ += size_of(row);
  rows_.emplace_back(std::move(row));
}

void RowQueue::put_flush(TextNumber forgotten) {
  const std::scoped_lock lock(mutex_);
  rows_.emplace_back(Flush{forgotten});
  ++flushes_;
}

void RowQueue::add_left_out(std::uint64_t rows) {
  const std::scoped_lock lock(mutex_);
  left_out_ += rows;
}

std::uint64_t RowQueue::left_out() const {
  const std::scoped_lock lock(mutex_);
  return left_out_;
}

bool RowQueue::is_stuck() const {
  const std::scoped_lock lock(mutex_);
  return flushes_ > 0 || !has_room();
}

std::uint64_t RowQueue::count_rows(TextNumber answered) const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t count = 0;
  for (const Entry& entry : rows_) {
    const JobRow* row = std::get_if<JobRow>(&entry);
    if (row != nullptr && row->needs > answered) break;
    count += row != nullptr ? 1 : 0;
  }
  return count;
}

bool RowQueue::has_texts() const {
  const std::scoped_lock lock(mutex_);
  return !texts_.empty();
}

bool RowQueue::is_empty() const {
  const std::scoped_lock lock(mutex_);
  return rows_.empty() && texts_.empty();
}

std::vector<AwaitedText> RowQueue::take_texts(TextNumber up_to) {
  const std::scoped_lock lock(mutex_);
  std::vector<AwaitedText> taken;
  while (!texts_.empty() && (texts_.front().number <= up_to || texts_.front().is_ready())) {
    bytes_ -= size_of(texts_.front());
    taken.push_back(std::move(texts_.front()));
    texts_.pop_front();
  }
  changed_.notify_all();
  return taken;
}

std::optional<RowQueue::Rows> RowQueue::take_rows(TextNumber answered) {
  const std::scoped_lock lock(mutex_);
  Rows taken;
  std::size_t bytes = 0;
  while (!rows_.empty() && !taken.flush && taken.rows.size() < kTakenRows && bytes < kTakenBytes) {
    auto* first = std::get_if<JobRow>(&rows_.front());
    if (first != nullptr && first->needs > answered) break;
    if (first != nullptr) {
      bytes += size_of(*first);
      taken.rows.push_back(std::move(*first));
    } else {
      taken.flush = true;
      taken.forgotten = std::get<Flush>(rows_.front()).forgotten;
      --flushes_;
    }
    rows_.pop_front();
  }
  bytes_ -= bytes;
  changed_.notify_all();
  if (taken.rows.empty() && !taken.flush) return std::nullopt;
  return taken;
}

}  // namespace llama::internal
