#include "engine.h"

#include <algorithm>
#include <exception>
#include <format>
#include <utility>

#include "log_probabilities.h"

namespace llama {

Result<void> check(const QueueConfig& c) {
  if (c.max_queue_size < 1) return fail(ErrorCode::InvalidArgument, "the queue's size must be greater than 0");
  if (c.request_timeout.count() < 1) return fail(ErrorCode::InvalidArgument, "the request timeout must be greater than 0");
  if (c.step_target.count() < 1) return fail(ErrorCode::InvalidArgument, "the step target must be greater than 0");
  return {};
}

}  // namespace llama

namespace llama::internal {
namespace {

constexpr std::size_t kSeenOfPrompt = 256;  // tokens that the penalties know of

std::chrono::milliseconds between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace

Engine::Engine(std::unique_ptr<Decoder> decoder, const QueueConfig& config)
    : decoder_(std::move(decoder)),
      config_(config),
      table_(*decoder_, config.idle_memory_bytes),
      budget_(config.step_target, decoder_->batch_tokens()),
      thread_([this] { run(); }) {}

Engine::~Engine() { shutdown(); }

void Engine::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    abort_.request_stop();
    for (auto& source : live_) source.request_stop();
  }
  wake_.notify_all();
  const std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

Result<void> Engine::submit(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return fail(ErrorCode::Cancelled, "the server has shut down");
    if (std::ssize(waiting_) >= config_.max_queue_size) {
      return fail(ErrorCode::Busy, std::format("{} requests wait already, which is all that may: try again later",
                                               config_.max_queue_size));
    }
    job->submitted = Clock::now();
    job->deadline = std::min(job->deadline, job->submitted + config_.request_timeout);
    waiting_.push_back(std::move(job));
    ++metrics_.total_requests;
    metrics_.queue_size = static_cast<std::int32_t>(waiting_.size());
    metrics_.peak_queue_size = std::max(metrics_.peak_queue_size, metrics_.queue_size);
  }
  wake_.notify_one();
  return {};
}

EngineMetrics Engine::metrics() const {
  const std::lock_guard lock(mutex_);
  return metrics_;
}

void Engine::run() {
  while (wait_for_work()) {
    try {
      drop_waiting();
      stop_ended_requests();
      admit();
      step();
    } catch (const std::exception& thrown) {
      fail_all({ErrorCode::Internal, std::format("the engine failed: {}", thrown.what())});
    }
  }
  drop_waiting();
  for (auto& slot : table_.slots()) {
    if (slot.running) finish(slot, FinishReason::Cancelled);
  }
}

bool Engine::wait_for_work() {
  const bool busy = std::ranges::any_of(table_.slots(), [](const Slot& slot) { return slot.running != nullptr; });
  std::unique_lock lock(mutex_);
  if (!busy) wake_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
  return !closing_;
}

// Those who were cancelled or waited too long, and at the end everybody.
void Engine::drop_waiting() {
  std::vector<std::unique_ptr<Job>> dropped;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (auto& job : waiting_) {
      if (closing_ || job->cancel.stop_requested() || now >= job->deadline) dropped.push_back(std::move(job));
    }
    std::erase(waiting_, nullptr);
    metrics_.queue_size = static_cast<std::int32_t>(waiting_.size());
  }
  for (auto& job : dropped) {
    const bool cancelled = job->cancel.stop_requested() || Clock::now() < job->deadline;
    Result<GenerationResponse> end =
        cancelled ? fail(ErrorCode::Cancelled, "the request was cancelled while it waited")
                  : fail(ErrorCode::TimedOut, std::format("the request waited for {} s, which is as long as it may",
                                                          between(job->submitted, Clock::now()).count() / 1000));
    count_end(*job, end);
    if (job->on_release) job->on_release();
    job->stream->end(std::move(end));
  }
}

// What the running requests may need, to the end of their replies.
std::int32_t Engine::reserved() {
  std::int64_t sum = 0;
  for (const auto& slot : table_.slots()) {
    if (!slot.running) continue;
    const Job& job = *slot.running->job;
    sum += std::ssize(job.prompt) + job.rules.stopping.max_tokens;
  }
  return static_cast<std::int32_t>(std::min<std::int64_t>(sum, decoder_->context_tokens()));
}

void Engine::admit() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return;
      const Job& first = *waiting_.front();
      const std::int32_t taken = reserved();
      const std::int64_t need = std::ssize(first.prompt) + first.rules.stopping.max_tokens;
      // Alone, a request may use the whole context, even where its limit goes beyond.
      if (taken > 0 && taken + need > decoder_->context_tokens()) return;
      if (std::ranges::all_of(table_.slots(), [](const Slot& slot) { return slot.running != nullptr; })) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
      live_.push_back(job->cancel);
      metrics_.queue_size = static_cast<std::int32_t>(waiting_.size());
      ++metrics_.running;
    }
    Slot& slot = *table_.place(job->prompt);
    const std::size_t seen = std::min(kSeenOfPrompt, job->prompt.size());
    job->sampler->see(std::span(job->prompt).last(seen));
    if (job->thinking_sampler) job->thinking_sampler->see(std::span(job->prompt).last(seen));
    slot.running = std::make_unique<Running>(std::move(job));
    slot.running->reused = static_cast<std::int32_t>(slot.held.size());
  }
}

void Engine::stop_ended_requests() {
  const auto now = Clock::now();
  for (auto& slot : table_.slots()) {
    if (!slot.running) continue;
    if (slot.running->job->cancel.stop_requested()) {
      finish(slot, FinishReason::Cancelled);
    } else if (now >= slot.running->job->deadline) {
      finish(slot, FinishReason::TimeLimit);
    }
  }
}

void Engine::plan(std::vector<PlacedToken>& batch, std::int32_t& generating, std::int32_t& reading) {
  std::vector<Slot*> readers;
  for (auto& slot : table_.slots()) {
    if (!slot.running) continue;
    if (slot.running->is_reading(slot.held.size())) {
      readers.push_back(&slot);
    } else if (slot.running->next) {
      batch.push_back({*slot.running->next, slot.id, static_cast<std::int32_t>(slot.held.size()), true});
      ++generating;
    }
  }
  // The shortest rest first; but nobody is overtaken for ever.
  const auto now = Clock::now();
  const auto rank = [&](const Slot* slot) {
    const auto rest = static_cast<double>(slot->running->job->prompt.size() - slot->held.size());
    return rest - 500 * std::chrono::duration<double>(now - slot->running->started).count();
  };
  std::ranges::sort(readers, {}, rank);
  std::int32_t room = budget_.tokens(generating);
  for (Slot* slot : readers) {
    if (room <= 0) break;
    const Job& job = *slot->running->job;
    const auto held = static_cast<std::int32_t>(slot->held.size());
    const auto end = static_cast<std::int32_t>(job.prompt.size());
    std::int32_t count = std::min(room, end - held);
    if (decoder_->needs_checkpoints()) {
      for (const std::int32_t place : job.checkpoints) {
        if (place > held) count = std::min(count, place - held);
      }
    }
    for (std::int32_t i = held; i < held + count; ++i) {
      batch.push_back({job.prompt[static_cast<std::size_t>(i)], slot->id, i, i + 1 == end});
    }
    room -= count;
    reading += count;
  }
}

bool Engine::step() {
  std::vector<PlacedToken> batch;
  std::int32_t generating = 0, reading = 0;
  plan(batch, generating, reading);
  if (batch.empty()) return false;

  table_.make_room(static_cast<std::int32_t>(batch.size()));
  // A request that computes alone can be cancelled in the middle of a step.
  const bool alone = batch.front().sequence == batch.back().sequence;
  const std::span<Slot> slots = table_.slots();
  Slot& first = slots[static_cast<std::size_t>(batch.front().sequence)];
  const auto stop = alone ? first.running->job->cancel.get_token() : abort_.get_token();
  const auto started = Clock::now();
  const auto computed = decoder_->decode(batch, stop);
  const auto time = Clock::now() - started;
  if (!computed) {
    on_failure(batch, computed.error());
    return false;
  }
  budget_.learn(generating, reading, time);
  {
    const std::lock_guard lock(mutex_);
    metrics_.computed_tokens += static_cast<std::uint64_t>(reading);
    if (generating > 0) {
      metrics_.longest_step = std::max(metrics_.longest_step, between(started, Clock::now()));
    }
  }
  for (const auto& token : batch) slots[static_cast<std::size_t>(token.sequence)].held.push_back(token.token);
  for (auto& slot : slots) {
    if (!slot.running) continue;
    const auto& places = slot.running->job->checkpoints;
    if (std::ranges::find(places, static_cast<std::int32_t>(slot.held.size())) != places.end()) {
      table_.take_checkpoint(slot);
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i].wants_logits) continue;
    Slot& slot = slots[static_cast<std::size_t>(batch[i].sequence)];
    const auto logits = decoder_->logits(i);
    if (!logits) {
      end(slot, std::unexpected(logits.error()));
    } else {
      after_token(slot, *logits);
    }
  }
  return true;
}

void Engine::on_failure(std::span<const PlacedToken> batch, const Error& error) {
  const std::span<Slot> slots = table_.slots();
  Slot* longest = nullptr;
  for (auto& slot : slots) {
    const bool part = std::ranges::any_of(batch, [&](const PlacedToken& t) { return t.sequence == slot.id; });
    if (!part || !slot.running) continue;
    table_.resync(slot);
    if (longest == nullptr || slot.held.size() > longest->held.size()) longest = &slot;
    if (error.code != ErrorCode::Cancelled && error.code != ErrorCode::ContextFull) {
      table_.forget(slot);
      end(slot, std::unexpected(error));
    } else if (slot.held.size() < static_cast<std::size_t>(slot.running->reused)) {
      slot.running->reused = static_cast<std::int32_t>(slot.held.size());
    }
  }
  // Who was cancelled is found at the next turn. Without room the one that holds most has to go.
  if (error.code == ErrorCode::ContextFull && longest != nullptr) finish(*longest, FinishReason::ContextFull);
}

Result<Token> Engine::choose(Running& running, std::span<const float> logits) {
  if (!running.forced.empty()) {
    const Token token = running.forced.front();
    running.forced.pop_front();
    return token;
  }
  Job& job = *running.job;
  // A grammar is for the answer, not for the thought before it.
  const bool free = job.thinking_sampler && running.reply.is_thinking();
  return (free ? job.thinking_sampler : job.sampler)->sample(logits);
}

void Engine::after_token(Slot& slot, std::span<const float> logits) {
  Running& running = *slot.running;
  Job& job = *running.job;
  if (running.generated.empty()) running.first_token = Clock::now();
  const auto token = choose(running, logits);
  if (!token) return end(slot, std::unexpected(token.error()));

  std::string bytes = decoder_->piece(*token);
  const ReplyRules& rules = job.rules;
  if (decoder_->ends_generation(*token)) {
    if (rules.stopping.end_of_sequence) return finish(slot, FinishReason::EndOfSequence);
    bytes.clear();
  }
  running.generated.push_back(*token);
  running.raw += bytes;
  if (decoder_->is_control(*token) && !rules.thinking_opener.contains(bytes) && !rules.thinking_closer.contains(bytes)) {
    bytes.clear();
  }
  std::optional<TokenLogProb> logprob;
  if (job.logprobs) {
    const auto found = log_probabilities(logits, *token, *job.logprobs);
    logprob = TokenLogProb{.bytes = decoder_->piece(*token), .logprob = found.front().logprob, .alternatives = {}};
    for (const auto& other : std::span(found).subspan(1)) {
      logprob->alternatives.push_back({decoder_->piece(other.token), other.logprob});
    }
  }
  StreamChunk chunk = running.reply.push(bytes, std::move(logprob));
  if (!chunk.text.empty() || !chunk.thinking.empty()) job.stream->write(std::move(chunk));
  if (running.reply.finished()) return finish(slot, *running.reply.finished());
  if (std::ssize(slot.held) + 1 >= decoder_->context_tokens()) return finish(slot, FinishReason::ContextFull);
  if (job.thinking_budget && running.reply.is_thinking() && !running.thought_closed &&
      running.reply.thinking_tokens() >= *job.thinking_budget) {
    running.forced.assign(job.thinking_end.begin(), job.thinking_end.end());
    running.thought_closed = true;
  }
  running.next = *token;
}

void Engine::finish(Slot& slot, FinishReason reason) {
  Running& running = *slot.running;
  Job& job = *running.job;
  running.reply.finish(reason);
  StreamChunk rest = running.reply.flush();
  if (!rest.text.empty() || !rest.thinking.empty()) job.stream->write(std::move(rest));
  const auto now = Clock::now();
  const bool began = !running.generated.empty();
  end(slot, GenerationResponse{
                .generated_text = running.reply.answer(),
                .thinking = running.reply.thinking(),
                .finish_reason = *running.reply.finished(),
                .finish_detail = running.reply.finish_detail(),
                .usage = {.prompt_tokens = static_cast<std::int32_t>(job.prompt.size()),
                          .reused_tokens = running.reused,
                          .generated_tokens = static_cast<std::int32_t>(running.generated.size()),
                          .dropped_messages = job.dropped_messages},
                .queue_time = between(job.submitted, running.started),
                .prompt_time = between(running.started, began ? running.first_token : now),
                .generation_time = began ? between(running.first_token, now) : std::chrono::milliseconds(0),
                .sampling = job.sampling,
                .device = decoder_->device(),
            });
}

void Engine::end(Slot& slot, Result<GenerationResponse> response) {
  const std::unique_ptr<Running> running = std::move(slot.running);
  Job& job = *running->job;
  count_end(job, response);
  if (response && job.judge) job.judge(*response);
  if (response && job.on_end) job.on_end(*response, running->generated, running->raw);
  {
    const std::lock_guard lock(mutex_);
    std::erase(live_, job.cancel);
    --metrics_.running;
  }
  // Who sees the end finds everything as it is then: the session free, the counts right.
  if (job.on_release) job.on_release();
  job.stream->end(std::move(response));
}

void Engine::count_end(const Job& job, const Result<GenerationResponse>& end) {
  const std::lock_guard lock(mutex_);
  const bool cancelled = end ? end->finish_reason == FinishReason::Cancelled : end.error().code == ErrorCode::Cancelled;
  const bool late = end ? end->finish_reason == FinishReason::TimeLimit : end.error().code == ErrorCode::TimedOut;
  ++(cancelled ? metrics_.cancelled : late ? metrics_.timed_out : end ? metrics_.completed : metrics_.failed);
  if (!end) return;
  metrics_.prompt_tokens += job.prompt.size();
  metrics_.generated_tokens += static_cast<std::uint64_t>(end->usage.generated_tokens);
}

void Engine::fail_all(const Error& error) {
  for (auto& slot : table_.slots()) {
    if (!slot.running) continue;
    table_.forget(slot);
    end(slot, std::unexpected(error));
  }
}

}  // namespace llama::internal
