// Generate the replies of many requests in common steps.
//
// One thread owns the decoder. A step computes the next token of every reply and as many prompt tokens as the prefill
// budget allows, draws a token for each that is due, and hands the text to its stream.
// Threads  submit(), metrics() and shutdown(): any; everything else happens in the engine's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "llama-agent/decoder.h"
#include "llama-agent/queue_config.h"
#include "prefill_budget.h"
#include "running.h"
#include "slot_table.h"

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
  [[nodiscard]] EngineMetrics metrics() const;
  [[nodiscard]] const Decoder& decoder() const { return *decoder_; }

 private:
  void run();
  bool wait_for_work();
  void admit();
  void drop_waiting();
  // One computation; false where nothing was computed.
  bool step();
  void plan(std::vector<PlacedToken>& batch, std::int32_t& generating, std::int32_t& reading);
  void on_failure(std::span<const PlacedToken> batch, const Error& error);
  void after_token(Slot& slot, std::span<const float> logits);
  Result<Token> choose(Running& running, std::span<const float> logits);
  void stop_ended_requests();
  void finish(Slot& slot, FinishReason reason);
  void end(Slot& slot, Result<GenerationResponse> response);
  void fail_all(const Error& error);
  [[nodiscard]] std::int32_t reserved();
  void count_end(const Job& job, const Result<GenerationResponse>& end);

  std::unique_ptr<Decoder> decoder_;
  QueueConfig config_;
  SlotTable table_;
  PrefillBudget budget_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::vector<std::stop_source> live_;  // of those in slots: shutdown() cancels them
  EngineMetrics metrics_;
  bool closing_ = false;

  std::stop_source abort_;
  std::mutex joining_;  // shutdown() may be called twice at once
  std::jthread thread_;
};

}  // namespace llama::internal
