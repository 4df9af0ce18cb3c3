// Generate the replies of many requests in common steps.
//
// One thread owns the decoder. A step computes the next token of every reply and as many prompt tokens as the prefill
// budget allows, draws a token for each that is due, and hands the text to its stream.
// Threads  submit(), metrics() and shutdown(): any; everything else happens in the engine's thread.
// Errors   whatever throws while one request is admitted, goes on or ends fails this request; what throws in the
//          computation fails those that run. The engine goes on.
// Cost     a step is one pass of the decoder; beside it a look at every slot and a draw for each reply that is due.
//          While nothing runs and nothing waits, the thread sleeps.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>

#include "llama-agent/decoder.h"
#include "llama-agent/queue_config.h"
#include "prefill_budget.h"
#include "request_counts.h"
#include "request_queue.h"
#include "running.h"
#include "slot_table.h"
#include "step_plan.h"

namespace llama::internal {

class Engine {
 public:
  Engine(std::unique_ptr<Decoder> decoder, const QueueConfig& config);
  // Cancels what runs and waits for the thread.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Errors   Busy: as many wait as may. Cancelled: after shutdown().
  [[nodiscard]] Result<void> submit(std::unique_ptr<Job> job);
  void shutdown();
  [[nodiscard]] EngineMetrics metrics() const { return counts_->metrics(); }
  [[nodiscard]] const Decoder& decoder() const { return *decoder_; }

 private:
  void run();
  void turn();
  void admit();
  void step();
  void compute(const StepPlan& plan);
  void on_failure(std::span<const PlacedToken> batch, const Error& error);
  void advance(Slot& slot, std::span<const float> logits);
  void stop_ended_requests();
  void finish(Slot& slot, FinishReason reason);
  void fail_slot(Slot& slot, const Error& error) noexcept;
  void fail_all(const Error& error) noexcept;
  [[nodiscard]] bool is_busy();
  [[nodiscard]] bool has_room(const Job& job);

  std::unique_ptr<Decoder> decoder_;
  QueueConfig config_;
  SlotTable table_;
  PrefillBudget budget_;
  std::shared_ptr<RequestCounts> counts_;
  RequestQueue queue_;

  std::stop_source abort_;  // cancels what runs
  std::mutex joining_;      // shutdown() may be called twice at once
  std::jthread thread_;
};

}  // namespace llama::internal
