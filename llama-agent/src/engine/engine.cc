#include "engine.h"

#include <algorithm>
#include <utility>

#include "../at_most_a_year.h"
#include "guarded.h"

namespace llama::internal {

Engine::Engine(std::unique_ptr<Decoder> decoder, const QueueConfig& config)
    : decoder_(std::move(decoder)),
      config_(config),
      table_(*decoder_, config.idle_memory_bytes),
      budget_(config.step_target, decoder_->batch_tokens()),
      counts_(std::make_shared<RequestCounts>()),
      queue_(config.max_queue_size, counts_),
      thread_([this] { run(); }) {}

Engine::~Engine() { shutdown(); }

void Engine::shutdown() {
  queue_.close();
  abort_.request_stop();
  const std::scoped_lock lock(joining_);
  if (thread_.joinable()) thread_.join();
}

Result<void> Engine::submit(std::unique_ptr<Job> job) {
  job->submitted = Clock::now();
  job->deadline = std::min(job->deadline, job->submitted + at_most_a_year(config_.request_timeout));
  return queue_.push(std::move(job));
}

void Engine::run() {
  while (queue_.wait(is_busy())) {
    if (const auto done = guarded("the engine failed", [&] { turn(); }); !done) fail_all(done.error());
  }
  static_cast<void>(guarded("the engine failed", [&] { queue_.drop_ended(); }));
  for (auto& slot : table_.slots()) {
    if (slot.running) finish(slot, FinishReason::Cancelled);
  }
}

void Engine::turn() {
  queue_.drop_ended();
  stop_ended_requests();
  admit();
  step();
}

bool Engine::is_busy() {
  return std::ranges::any_of(table_.slots(), [](const Slot& slot) { return slot.running != nullptr; });
}

// A request is let in when what it and the running ones may need, to the end of their replies, fits the context.
// Alone, it may use the whole context, even where its limit goes beyond.
bool Engine::has_room(const Job& job) {
  const auto need = [](const Job& j) { return std::ssize(j.prompt) + j.rules.stopping.max_tokens; };
  std::int64_t taken = 0;
  bool is_slot_free = false;
  for (const auto& slot : table_.slots()) {
    is_slot_free = is_slot_free || !slot.running;
    if (slot.running) taken += need(slot.running->job());
  }
  return is_slot_free && (taken == 0 || taken + need(job) <= decoder_->context_tokens());
}

void Engine::admit() {
  while (auto job = queue_.pop_if([&](const Job& first) { return has_room(first); })) {
    Slot* slot = nullptr;
    const auto done = guarded("the request could not begin", [&] {
      slot = table_.place(job->prompt);
      const auto reused = static_cast<std::int32_t>(slot->held.size());
      slot->running = std::make_unique<Running>(std::move(job), reused, abort_.get_token());
      slot->running->begin();
    });
    if (done) continue;
    table_.distrust_idle();
    if (slot != nullptr && slot->running) fail_slot(*slot, done.error());
    if (job) job->end(std::unexpected(done.error()));
  }
}

void Engine::stop_ended_requests() {
  const auto now = Clock::now();
  for (auto& slot : table_.slots()) {
    if (!slot.running) continue;
    if (slot.running->job().cancel.stop_requested()) {
      finish(slot, FinishReason::Cancelled);
    } else if (now >= slot.running->job().deadline) {
      finish(slot, FinishReason::TimeLimit);
    }
  }
}

void Engine::step() {
  const StepPlan plan = plan_step(table_.slots(), budget_, decoder_->needs_checkpoints(), Clock::now());
  if (!plan.batch.empty()) compute(plan);
}

void Engine::compute(const StepPlan& plan) {
  const auto& batch = plan.batch;
  table_.make_room(static_cast<std::int32_t>(batch.size()));
  // A request that computes alone can be cancelled in the middle of a step.
  const bool alone = batch.front().sequence == batch.back().sequence;
  const std::span<Slot> slots = table_.slots();
  Slot& first = slots[static_cast<std::size_t>(batch.front().sequence)];
  const auto stop = alone ? first.running->job().cancel.get_token() : abort_.get_token();
  const auto started = Clock::now();
  const auto computed = decoder_->decode(batch, stop);
  const auto time = Clock::now() - started;
  if (!computed) return on_failure(batch, computed.error());

  budget_.learn(plan.generating, plan.reading, time);
  counts_->step(plan.reading, plan.generating, std::chrono::duration_cast<std::chrono::milliseconds>(time));
  for (const auto& token : batch) slots[static_cast<std::size_t>(token.sequence)].held.push_back(token.token);
  for (auto& slot : slots) {
    if (!slot.running) continue;
    const auto& places = slot.running->job().checkpoints;
    if (std::ranges::find(places, static_cast<std::int32_t>(slot.held.size())) != places.end()) {
      table_.take_checkpoint(slot);
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i].wants_logits) continue;
    Slot& slot = slots[static_cast<std::size_t>(batch[i].sequence)];
    if (const auto logits = decoder_->logits(i)) {
      advance(slot, *logits);
    } else {
      fail_slot(slot, logits.error());
    }
  }
}

void Engine::on_failure(std::span<const PlacedToken> batch, const Error& error) {
  Slot* longest = nullptr;
  for (auto& slot : table_.slots()) {
    const bool part = std::ranges::any_of(batch, [&](const PlacedToken& t) { return t.sequence == slot.id; });
    if (!part || !slot.running) continue;
    table_.resync(slot);
    if (longest == nullptr || slot.held.size() > longest->held.size()) longest = &slot;
    if (error.code != ErrorCode::Cancelled && error.code != ErrorCode::ContextFull) {
      fail_slot(slot, error);
      table_.forget(slot);
    } else {
      slot.running->limit_reused(static_cast<std::int32_t>(slot.held.size()));
    }
  }
  // Who was cancelled is found at the next turn. Without room the one that holds most has to go.
  if (error.code == ErrorCode::ContextFull && longest != nullptr) finish(*longest, FinishReason::ContextFull);
}

void Engine::advance(Slot& slot, std::span<const float> logits) {
  std::optional<FinishReason> over;
  const auto done = guarded("the reply failed", [&]() -> Result<void> {
    auto reason = slot.running->advance(*decoder_, logits);
    if (!reason) return std::unexpected(reason.error());
    over = *reason;
    return {};
  });
  if (!done) return fail_slot(slot, done.error());
  if (!over && std::ssize(slot.held) + 1 >= decoder_->context_tokens()) over = FinishReason::ContextFull;
  if (over) finish(slot, *over);
}

// The slot is free before the reader sees the end.
void Engine::finish(Slot& slot, FinishReason reason) {
  const std::unique_ptr<Running> running = std::move(slot.running);
  const auto done = guarded("the reply could not be ended", [&] { running->finish(reason, *decoder_); });
  if (!done) running->fail_with(done.error());
}

void Engine::fail_slot(Slot& slot, const Error& error) noexcept {
  const std::unique_ptr<Running> running = std::move(slot.running);
  // The error's copy may need memory; without it the job ends with what it has for that.
  static_cast<void>(guarded("the reply failed", [&] { running->fail_with(error); }));
}

void Engine::fail_all(const Error& error) noexcept {
  for (auto& slot : table_.slots()) {
    if (slot.running) fail_slot(slot, error);
  }
  table_.distrust_idle();
}

}  // namespace llama::internal
