// Compute batches on several lanes side by side, each of which takes the next one when it is free.
//
// Threads that share one pass wait for each other after each of its operations, some hundred times a pass, and read
// from each other's caches what the last one has left. Lanes have nothing in common but the weights, and what one does
// between two passes the others need not wait for: two lanes of one thread computed 1.1 to 1.5 times what one lane of
// two threads does with a small model (doc/performance.md has the figures).
//
// Threads  one at a time. Vectors are those of any other number of lanes.
// Memory   a context for each lane.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "embedding_lane.h"

namespace llama::internal {

// So many texts in a row without a finite vector, and it is the model and not the texts.
inline constexpr int kMaxNotFinite = 32;

struct FinishedBatch {
  std::size_t number = 0;            // of the batches
  Pass pass;                         // that had all its texts
  std::uint64_t passes = 1;          // with those of texts that were tried again
  std::chrono::nanoseconds time{0};  // of all
  // From when the contexts were there until on_batch was called: making them, and packing weights to stay, is no pass's
  // time.
  std::chrono::nanoseconds elapsed{0};
};

class LaneTeam {
 public:
  LaneTeam(const EmbeddingModel& model, std::int32_t texts_per_pass, const BudgetTuner& tuner);

  // How many lanes work on so many batches, of at most so many tokens each. 1 where a pass is long enough for all
  // threads, and on a device.
  [[nodiscard]] std::size_t lanes_for(std::size_t batches, std::size_t tokens) const;
  [[nodiscard]] std::size_t most_lanes() const { return lanes_for(SIZE_MAX, 1); }
  // The context in which texts are computed alone.
  [[nodiscard]] EmbeddingLane& first() { return *lanes_.front(); }

  // So many passes are to come, of all batches of a call.
  void expect(std::size_t passes) { passes_ = passes; }
  [[nodiscard]] std::size_t expected() const { return passes_; }

  // Opens the lanes that so many batches need; fewer of them where memory is scarce. A device that has no room for the
  // first one's context is left for the CPU meanwhile, where more lanes may be had the next time.
  //
  // Returns  how many there are for these batches.
  // Errors   OutOfMemory, where there is none for the first.
  [[nodiscard]] Result<std::size_t> make_room_for(std::size_t batches, std::size_t tokens);

  // on_batch  called by the calling thread.
  // Errors    InvalidModel (kMaxNotFinite texts in a row, of all that the team computed, have no finite vector),
  //           Cancelled, OutOfMemory, Internal.
  [[nodiscard]] Result<void> compute(EmbeddingJob& job, std::span<const std::vector<std::size_t>> batches,
                                     const std::stop_token& stop,
                                     const std::function<void(const FinishedBatch&)>& on_batch);

 private:
  class Work;
  [[nodiscard]] int threads() const;
  void share_threads(std::size_t lanes);
  void work_on(EmbeddingLane& lane, EmbeddingJob& job, Work& work, const std::function<void()>& after_each);
  [[nodiscard]] Result<FinishedBatch> compute_batch(EmbeddingLane& lane, EmbeddingJob& job,
                                                    std::span<const std::size_t> batch, const std::stop_token& stop);

  const EmbeddingModel& model_;
  std::int32_t texts_per_pass_;
  const BudgetTuner& tuner_;
  std::vector<std::unique_ptr<EmbeddingLane>> lanes_;
  std::size_t passes_ = SIZE_MAX;           // that are to come
  std::size_t most_;                        // lanes: falls where there is no memory for more
  std::atomic<int> not_finite_in_row_ = 0;  // texts, up to the last one
};

}  // namespace llama::internal
