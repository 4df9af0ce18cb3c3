#include "llama-core/generation_context.h"

#include <llama.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <format>
#include <new>
#include <string>
#include <utility>

#include "abort_callback.h"
#include "device_context.h"
#include "llama-core/embedding_context.h"
#include "llama-core/log.h"
#include "llama-core/processor.h"
#include "memory_needs.h"
#include "placed_tokens.h"
#include "sequence_history.h"

namespace llama {
namespace {

llama_state_seq_flags flags_of(MemoryPart part) {
  return part == MemoryPart::Checkpoint ? LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY : LLAMA_STATE_SEQ_FLAGS_NONE;
}

std::unexpected<Error> no_sequence(std::int32_t sequence) {
  return fail(ErrorCode::InvalidArgument, std::format("the context has no sequence {}", sequence));
}

}  // namespace

struct GenerationContext::State {
  State(std::shared_ptr<const Model> m, const GenerationContextConfig& c)
      : model(std::move(m)), config(c), history(c.max_sequences) {}

  std::shared_ptr<const Model> model;
  GenerationContextConfig config;
  const std::stop_token* stop = nullptr;  // during decode(); llama.cpp asks between graph nodes
  internal::DeviceContext context;
  internal::SequenceHistory history;
  bool must_catch_up = false;    // the context has not read again all that the history holds
  std::vector<bool> has_logits;  // of the last batch

  // llama.cpp's view of a batch, kept to save allocations.
  std::vector<Token> tokens;
  std::vector<std::int32_t> positions, sequences, ones;
  std::vector<std::int32_t*> sequence_pointers;
  std::vector<std::int8_t> outputs;

  [[nodiscard]] llama_memory_t memory() const { return llama_get_memory(context.get()); }
  [[nodiscard]] std::int32_t length_in_memory(std::int32_t sequence) const {
    return llama_memory_seq_pos_max(memory(), sequence) + 1;  // -1 for an empty one
  }
  [[nodiscard]] bool has(std::int32_t sequence) const { return sequence >= 0 && sequence < config.max_sequences; }
  [[nodiscard]] std::int32_t length(std::int32_t sequence) const {
    return must_catch_up ? history.length(sequence) : length_in_memory(sequence);
  }
  [[nodiscard]] bool can_share() const { return !model->is_recurrent() && model->sliding_window() == 0; }

  [[nodiscard]] Result<void> compute(std::span<const PlacedToken> batch);
  [[nodiscard]] Result<void> catch_up();
  void remember(std::span<const PlacedToken> batch, const Result<void>& computed);
};

Result<void> GenerationContext::State::compute(std::span<const PlacedToken> batch) {
  const std::size_t count = batch.size();
  tokens.resize(count);
  positions.resize(count);
  sequences.resize(count);
  outputs.resize(count);
  ones.assign(count, 1);
  sequence_pointers.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = batch[i].token;
    positions[i] = batch[i].position;
    sequences[i] = batch[i].sequence;
    outputs[i] = batch[i].wants_logits ? 1 : 0;
    sequence_pointers[i] = &sequences[i];
  }
  return context.decode({
      .n_tokens = static_cast<std::int32_t>(count),
      .token = tokens.data(),
      .embd = nullptr,
      .pos = positions.data(),
      .n_seq_id = ones.data(),
      .seq_id = sequence_pointers.data(),
      .logits = outputs.data(),
  });
}

// Read again what the context before this one had read. Where it is stopped, the next decode() goes on with it.
Result<void> GenerationContext::State::catch_up() {
  for (std::int32_t sequence = 0; sequence < history.sequences(); ++sequence) {
    if (const auto beginning = history.longest_beginning(sequence);
        can_share() && beginning.length > length_in_memory(sequence)) {
      llama_memory_seq_rm(memory(), sequence, -1, -1);
      llama_memory_seq_cp(memory(), beginning.sequence, sequence, 0, beginning.length);
    }
    const auto all = history.of(sequence);
    std::vector<PlacedToken> part;
    for (std::int32_t at = length_in_memory(sequence); at < std::ssize(all);
         at += static_cast<std::int32_t>(part.size())) {
      part.clear();
      const std::int32_t end = std::min(at + config.batch_tokens, history.length(sequence));
      for (std::int32_t i = at; i < end; ++i) part.push_back({all[static_cast<std::size_t>(i)], sequence, i, false});
      if (auto read = compute(part); !read) return read;
    }
  }
  must_catch_up = false;
  return {};
}

// Of a batch that failed what the memory has of it; a recurrent state in the middle of a batch is nobody's state.
void GenerationContext::State::remember(std::span<const PlacedToken> batch, const Result<void>& computed) {
  const bool is_spoilt = !computed && model->is_recurrent() && computed.error().code != ErrorCode::ContextFull;
  if (is_spoilt && must_catch_up) return llama_memory_clear(memory(), true);  // to be read again from its beginning
  for (const PlacedToken& t : batch) {
    if (is_spoilt) {
      llama_memory_seq_rm(memory(), t.sequence, -1, -1);
      history.cut(t.sequence, 0);
    } else if (computed || (!must_catch_up && t.position < length_in_memory(t.sequence))) {
      history.put(t);
    }
  }
}

GenerationContext::GenerationContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
GenerationContext::~GenerationContext() = default;
GenerationContext::GenerationContext(GenerationContext&&) noexcept = default;
GenerationContext& GenerationContext::operator=(GenerationContext&&) noexcept = default;

const GenerationContextConfig& GenerationContext::config() const { return state_->config; }

Result<GenerationContext> GenerationContext::create(std::shared_ptr<const Model> model,
                                                    const GenerationContextConfig& config) {
  const auto wrong = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  if (model == nullptr) return wrong("a context needs a model");
  if (model->is_encoder() || model->is_encoder_decoder() || model->pooling()) {
    return wrong(std::format("the model ({}) makes embeddings, it cannot generate text", model->description()));
  }
  if (config.context_tokens < 1 || config.context_tokens > (1 << 24)) {
    return wrong(std::format("a context of {} tokens is out of range", config.context_tokens));
  }
  if (config.batch_tokens < 1 || config.batch_tokens > (1 << 20)) {
    return wrong(std::format("a batch of {} tokens is out of range", config.batch_tokens));
  }
  if (config.max_sequences < 1 || config.max_sequences > max_parallel_sequences()) {
    return wrong(std::format("{} sequences in one context: 1 to {} are possible", config.max_sequences,
                             max_parallel_sequences()));
  }
  if (config.threads < 0) return wrong("the number of threads must not be negative");

  const std::uint64_t needed =
      internal::cache_bytes(*model, model->model_.get(), static_cast<std::uint64_t>(config.context_tokens));
  auto state = std::make_unique<State>(std::move(model), config);

  llama_context_params params = llama_context_default_params();
  params.n_ctx = (static_cast<std::uint32_t>(config.context_tokens) + 255) / 256 * 256;
  params.n_batch = static_cast<std::uint32_t>(config.batch_tokens);
  params.n_ubatch = params.n_batch;
  params.n_seq_max = static_cast<std::uint32_t>(config.max_sequences);
  const int threads = config.threads > 0 ? config.threads : default_threads();
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.kv_unified = true;  // sequences share the cells and common beginnings
  params.swa_full = false;   // checkpoints serve where the window's past is gone
  params.no_perf = true;
  params.abort_callback = internal::is_pass_stopped;
  params.abort_callback_data = static_cast<void*>(&state->stop);

  if (auto opened = state->context.open(*state->model, params,
                                        {.tokens = config.context_tokens,
                                         .needed_bytes = needed,
                                         .rules = {.reads = internal::ResultsRead::Outputs}});
      !opened) {
    return std::unexpected(opened.error());
  }
  if (state->memory() == nullptr) return wrong("the model has no memory of what it read: it cannot generate text");
  return GenerationContext(std::move(state));
}

Result<void> GenerationContext::decode(std::span<const PlacedToken> tokens, const std::stop_token& stop) {
  State& s = *state_;
  s.has_logits.clear();
  if (tokens.empty()) return fail(ErrorCode::InvalidArgument, "an empty batch cannot be computed");
  if (tokens.size() > static_cast<std::size_t>(s.config.batch_tokens)) {
    return fail(ErrorCode::InvalidArgument,
                std::format("{} tokens in a batch of at most {}", tokens.size(), s.config.batch_tokens));
  }
  std::vector<std::int32_t> lengths;
  for (std::int32_t sequence = 0; s.has(sequence); ++sequence) lengths.push_back(s.length(sequence));
  if (auto sound = internal::check_places(tokens, s.model->vocabulary_size(), lengths); !sound) return sound;
  s.stop = &stop;
  const auto read = [&] {
    if (s.must_catch_up) {
      if (auto caught_up = s.catch_up(); !caught_up) return caught_up;
    }
    return s.compute(tokens);
  };
  auto computed = read();
  if (!computed && !stop.stop_requested() && s.context.may_move(computed.error())) {
    // The device's error tells more than that the CPU has no room either.
    if (s.context.move_to_cpu(computed.error())) {
      s.must_catch_up = true;
      computed = read();
    }
  }
  s.stop = nullptr;
  s.remember(tokens, computed);
  if (!computed) return computed;
  for (const PlacedToken& t : tokens) s.has_logits.push_back(t.wants_logits);
  return {};
}

Result<std::span<const float>> GenerationContext::logits(std::size_t index) const {
  if (index >= state_->has_logits.size() || !state_->has_logits[index]) {
    return fail(ErrorCode::InvalidArgument, std::format("token {} of the last batch has no logits", index));
  }
  const float* row = llama_get_logits_ith(state_->context.get(), static_cast<std::int32_t>(index));
  if (row == nullptr) return fail(ErrorCode::Internal, "llama.cpp returned no logits");
  return std::span(row, static_cast<std::size_t>(state_->model->vocabulary_size()));
}

bool GenerationContext::cut(std::int32_t sequence, std::int32_t from) {
  if (!state_->has(sequence)) return false;
  // What a sliding window has left is gone from the cells, though llama.cpp would cut there without a word.
  if (const std::int32_t window = state_->model->sliding_window(); window > 0 && from > 0) {
    const std::int32_t first = llama_memory_seq_pos_min(state_->memory(), sequence);
    if (first > std::max(0, from - window)) return false;
  }
  if (!llama_memory_seq_rm(state_->memory(), sequence, from, -1)) return false;
  state_->history.cut(sequence, from);
  return true;
}

void GenerationContext::clear(std::int32_t sequence) {
  if (!state_->has(sequence)) return;
  llama_memory_seq_rm(state_->memory(), sequence, -1, -1);
  state_->history.cut(sequence, 0);
}

void GenerationContext::share(std::int32_t from, std::int32_t to, std::int32_t length) {
  if (!state_->has(from) || !state_->has(to)) return;
  llama_memory_seq_cp(state_->memory(), from, to, 0, length);
  state_->history.share(from, to, length);
}

std::int32_t GenerationContext::length(std::int32_t sequence) const {
  return state_->has(sequence) ? state_->length(sequence) : 0;
}

std::string GenerationContext::device() const { return state_->context.device(); }

Result<std::vector<std::byte>> GenerationContext::save(std::int32_t sequence, MemoryPart part) const {
  if (!state_->has(sequence)) return no_sequence(sequence);
  if (state_->must_catch_up) return fail(ErrorCode::Internal, "a sequence has to be read again before it can be saved");
  try {
    llama_context* context = state_->context.get();
    std::vector<std::byte> bytes = internal::saved_header(state_->history.of(sequence));
    const std::size_t header = bytes.size();
    bytes.resize(header + llama_state_seq_get_size_ext(context, sequence, flags_of(part)));
    const std::size_t written =
        llama_state_seq_get_data_ext(context, reinterpret_cast<std::uint8_t*>(bytes.data() + header),
                                     bytes.size() - header, sequence, flags_of(part));
    if (written != bytes.size() - header) {
      return fail(ErrorCode::Internal, "llama.cpp could not copy a sequence's memory");
    }
    return bytes;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "no memory to keep a sequence's state");
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::Internal, std::format("a sequence's memory cannot be copied: {}", thrown.what()));
  }
}

Result<void> GenerationContext::restore(std::int32_t sequence, std::span<const std::byte> bytes, MemoryPart part) {
  if (!state_->has(sequence)) return no_sequence(sequence);
  const auto no_room = [] { return fail(ErrorCode::ContextFull, "a sequence's state does not fit the context"); };
  try {
    auto saved = internal::read_saved(bytes);
    if (!saved || state_->must_catch_up) return no_room();
    internal::take_first_log_error();
    const std::size_t read =
        llama_state_seq_set_data_ext(state_->context.get(), reinterpret_cast<const std::uint8_t*>(saved->state.data()),
                                     saved->state.size(), sequence, flags_of(part));
    internal::take_first_log_error();
    if (read == 0) return no_room();
    state_->history.set(sequence, std::move(saved->tokens));
  } catch (const std::exception&) {
    return no_room();
  }
  return {};
}

}  // namespace llama
