#include "lane_team.h"

#include <algorithm>
#include <exception>
#include <format>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "llama-core/processor.h"

namespace llama::internal {
namespace {

// Where nobody says how many. What lanes cost is memory. A decoder's is its cache of keys and values, 60 MB for 512
// tokens of a model of 0.6 billion weights, and as large a model keeps some threads busy with each operation: on 16
// processors four lanes were 1.3 times as fast as one, 16 no faster.
constexpr std::size_t kMaxLanes = 16, kMaxLanesOfDecoder = 4;

// The most tokens of one sequence's pass in a lane: longer ones are few, large, and work for all threads.
constexpr std::size_t kLongestPass = kLargestBudget;

// With fewer batches no lane is opened: its context would take longer to make than it gains.
constexpr std::size_t kBatchesForMore = 8;

}  // namespace

// The batches of a call, and what lanes tell of them.
class LaneTeam::Work {
 public:
  Work(std::span<const std::vector<std::size_t>> batches, const std::stop_token& stop)
      : batches_(batches), forward_(stop, [this] { end_.request_stop(); }) {}

  [[nodiscard]] std::span<const std::size_t> batch(std::size_t number) const { return batches_[number]; }
  [[nodiscard]] std::stop_token stop() const { return end_.get_token(); }

  [[nodiscard]] std::optional<std::size_t> take() {
    const std::scoped_lock lock(mutex_);
    return next_ < batches_.size() && !error_ ? std::optional(next_++) : std::nullopt;
  }
  void finish(Result<FinishedBatch> batch) {
    const std::scoped_lock lock(mutex_);
    if (batch) {
      finished_.push_back(std::move(*batch));
    } else if (!error_) {
      error_ = std::move(batch.error());
      end_.request_stop();  // the others' passes are for nothing
    }
  }
  [[nodiscard]] std::vector<FinishedBatch> take_finished() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(finished_, {});
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }  // once all lanes have ended

 private:
  std::span<const std::vector<std::size_t>> batches_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::vector<FinishedBatch> finished_;  // that nobody was told of
  std::optional<Error> error_;           // the first
  std::stop_source end_;
  std::stop_callback<std::function<void()>> forward_;  // last: it uses what stands above
};

LaneTeam::LaneTeam(const EmbeddingModel& model, std::int32_t texts_per_pass, const BudgetTuner& tuner)
    : model_(model),
      texts_per_pass_(texts_per_pass),
      tuner_(tuner),
      most_(model.config().lanes > 0     ? static_cast<std::size_t>(model.config().lanes)
            : model.model().is_encoder() ? kMaxLanes
                                         : kMaxLanesOfDecoder) {
  lanes_.push_back(std::make_unique<EmbeddingLane>(model_, texts_per_pass_, tuner_, true));
}

int LaneTeam::threads() const { return model_.config().threads > 0 ? model_.config().threads : default_threads(); }

std::size_t LaneTeam::lanes_for(std::size_t batches, std::size_t tokens) const {
  if (tokens > kLongestPass || model_.model().device() != "CPU") return 1;
  const std::size_t most = std::min(most_, static_cast<std::size_t>(threads()));
  return std::clamp<std::size_t>(batches, 1, batches < kBatchesForMore ? std::min(lanes_.size(), most) : most);
}

void LaneTeam::share_threads(std::size_t lanes) {
  const auto all = static_cast<std::size_t>(threads());
  for (std::size_t i = 0; i < lanes; ++i)
    lanes_[i]->set_threads(static_cast<int>(all / lanes + (i < all % lanes ? 1 : 0)));
}

Result<std::size_t> LaneTeam::make_room_for(std::size_t batches, std::size_t tokens) {
  const std::size_t wanted = lanes_for(batches, tokens);
  while (lanes_.size() < wanted)
    lanes_.push_back(std::make_unique<EmbeddingLane>(model_, texts_per_pass_, tuner_, false));
  share_threads(wanted);
  std::vector<Result<void>> made(wanted);
  const auto make = [&](std::size_t i) {
    try {
      made[i] = lanes_[i]->make_room_for(tokens, passes_);
    } catch (const std::bad_alloc&) {
      made[i] = fail(ErrorCode::OutOfMemory, "no memory for a context");
    }
  };
  const bool packs = passes_ > kFewBatches && !lanes_.front()->keeps_weights();
  if (packs) {  // with all threads, while the others wait
    lanes_.front()->set_threads(threads());
    make(0);
    share_threads(wanted);
  }
  {
    std::vector<std::jthread> others;  // joined at the end of the block
    for (std::size_t i = 1; i < wanted && made.front(); ++i) {
      if (lanes_[i]->has_room_for(tokens)) continue;
      try {
        others.emplace_back(make, i);
      } catch (const std::system_error&) {
        make(i);
      }
    }
    if (!packs) make(0);
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    if (made[i]) continue;
    if (i == 0 || made[i].error().code != ErrorCode::OutOfMemory) return std::unexpected(made[i].error());
    most_ = i;
    lanes_.resize(i);
    share_threads(i);
    return i;
  }
  return wanted;
}

Result<void> LaneTeam::compute(EmbeddingJob& job, std::span<const std::vector<std::size_t>> batches,
                               const std::stop_token& stop, const std::function<void(const FinishedBatch&)>& on_batch) {
  std::size_t tokens = 0;
  for (const auto& batch : batches) {
    const std::size_t prefix = batch.size() > 1 ? job.prefix : 0;
    tokens = std::max(tokens, std::accumulate(batch.begin(), batch.end(), prefix, [&](std::size_t sum, std::size_t i) {
                        return sum + job.lengths[i] - prefix;
                      }));
  }
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
  const auto lanes = make_room_for(batches.size(), tokens);
  if (!lanes) return std::unexpected(lanes.error());

  const auto started = std::chrono::steady_clock::now();
  Work work(batches, stop);
  const auto tell = [&] {
    for (FinishedBatch& batch : work.take_finished()) {
      batch.elapsed = std::chrono::steady_clock::now() - started;
      on_batch(batch);
    }
  };
  {
    std::vector<std::jthread> threads;  // joined at the end of the block
    for (std::size_t i = 1; i < *lanes; ++i) {
      try {
        threads.emplace_back([&, i] { work_on(*lanes_[i], job, work, {}); });
      } catch (const std::system_error&) {
        break;  // no more threads are to be had: the others do it
      }
    }
    work_on(*lanes_.front(), job, work, tell);
  }
  tell();
  if (work.error()) return std::unexpected(*work.error());
  return {};
}

void LaneTeam::work_on(EmbeddingLane& lane, EmbeddingJob& job, Work& work, const std::function<void()>& after_each) {
  while (const auto number = work.take()) {
    try {
      auto batch = compute_batch(lane, job, work.batch(*number), work.stop());
      if (batch) batch->number = *number;
      work.finish(std::move(batch));
    } catch (const std::bad_alloc&) {
      work.finish(fail(ErrorCode::OutOfMemory, "no memory for a batch's vectors"));
    }
    if (after_each) after_each();
  }
}

// A vector with a NaN or an infinity is none. It need not be its text's fault: with ggml's own kernels a NaN in one
// sequence of a batch reaches others through the attention that masks them out (-inf + NaN is NaN), and it stays in the
// memory of a context with a KV cache, where later batches meet it. So each such text is tried again alone, on a
// context made anew where the memory may hold NaN; what fails then fails by itself, and the rest keeps its vectors.
// After kMaxNotFinite failures with no finite vector between them the model gives none at all: the weights are damaged,
// or the device computes nonsense.
// Cost: a look at each value (a thousandth of its making). A text that is tried again costs a pass of its own and, with
// a KV cache, a context (the packed weights stay).
Result<FinishedBatch> LaneTeam::compute_batch(EmbeddingLane& lane, EmbeddingJob& job,
                                              std::span<const std::size_t> batch, const std::stop_token& stop) {
  auto pass = lane.compute(job, batch, stop);
  if (!pass) return std::unexpected(pass.error());
  FinishedBatch finished{.number = 0, .pass = std::move(*pass), .passes = 1, .time = {}, .elapsed = {}};
  finished.time = finished.pass.time;
  if (finished.pass.not_finite.size() < batch.size()) not_finite_in_row_ = 0;
  for (const std::size_t text : finished.pass.not_finite) {
    const auto again = lane.compute(job, std::span(&text, 1), stop);
    if (!again) return std::unexpected(again.error());
    ++finished.passes;
    finished.time += again->time;
    if (again->not_finite.empty()) {
      not_finite_in_row_ = 0;
    } else if (const int in_row = ++not_finite_in_row_; in_row >= kMaxNotFinite) {
      return fail(
          ErrorCode::InvalidModel,
          std::format("the model gives no finite vector: NaN or infinity for {} texts in a row, each tried alone",
                      in_row));
    }
  }
  return finished;
}

}  // namespace llama::internal
