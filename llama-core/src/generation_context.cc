#include "llama-core/generation_context.h"

#include <llama.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <format>
#include <fstream>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "llama-core/context.h"
#include "llama-core/log.h"
#include "llama-core/processor.h"

namespace llama {
namespace {

struct FreeContext {
  void operator()(llama_context* context) const noexcept { llama_free(context); }
};

bool stop_requested(void* data) noexcept {
  const auto* stop = *static_cast<const std::stop_token* const*>(data);
  return stop != nullptr && stop->stop_requested();
}

llama_state_seq_flags flags_of(MemoryPart part) {
  return part == MemoryPart::Checkpoint ? LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY : LLAMA_STATE_SEQ_FLAGS_NONE;
}

}  // namespace

struct GenerationContext::State {
  std::shared_ptr<const Model> model;
  GenerationContextConfig config;
  const std::stop_token* stop = nullptr;  // during decode(); llama.cpp asks between graph nodes
  std::unique_ptr<llama_context, FreeContext> context;
  std::vector<bool> has_logits;  // of the last batch

  // llama.cpp's view of a batch, kept to save allocations.
  std::vector<Token> tokens;
  std::vector<std::int32_t> positions, sequences, ones;
  std::vector<std::int32_t*> sequence_pointers;
  std::vector<std::int8_t> outputs;

  [[nodiscard]] llama_memory_t memory() const { return llama_get_memory(context.get()); }
};

GenerationContext::GenerationContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
GenerationContext::~GenerationContext() = default;
GenerationContext::GenerationContext(GenerationContext&&) noexcept = default;
GenerationContext& GenerationContext::operator=(GenerationContext&&) noexcept = default;

const GenerationContextConfig& GenerationContext::config() const { return state_->config; }

namespace {

// What the machine can give without taking it from others; nothing where it does not say.
std::optional<std::uint64_t> available_memory() {
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kName = "MemAvailable:";
    if (!line.starts_with(kName)) continue;
    std::uint64_t kilobytes = 0;
    if (std::istringstream(line.substr(kName.size())) >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

// Keys and values of every token, in 16 bits. 0 for memories that do not grow by the same for each token.
std::uint64_t memory_of(const Model& model, const llama_model* handle, std::uint64_t tokens) {
  if (model.is_recurrent() || model.sliding_window() > 0) return 0;
  const auto heads = static_cast<std::uint64_t>(std::max(0, llama_model_n_head_kv(handle)));
  const auto plain = static_cast<std::uint64_t>(llama_model_n_embd(handle) / std::max(1, llama_model_n_head(handle)));
  const auto length = [&](std::string_view name) {
    const std::string value =
        model.metadata(std::format("{}.attention.{}", model.metadata("general.architecture"), name));
    std::uint64_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    return read.ec == std::errc() && number > 0 && number < (1U << 16) ? number : plain;
  };
  const auto layers = static_cast<std::uint64_t>(std::max(0, llama_model_n_layer(handle)));
  return 2 * tokens * layers * heads * (length("key_length") + length("value_length"));
}

}  // namespace

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

  // The kernel promises more memory than there is, and then ends the process.
  const std::uint64_t needed =
      memory_of(*model, model->model_.get(), static_cast<std::uint64_t>(config.context_tokens));
  if (const auto available = available_memory(); available && needed > *available) {
    return fail(
        ErrorCode::OutOfMemory,
        std::format("a context of {} tokens takes {:.1f} GB, and {:.1f} GB of memory are free", config.context_tokens,
                    static_cast<double>(needed) / 1e9, static_cast<double>(*available) / 1e9));
  }

  auto state = std::make_unique<State>();
  state->model = std::move(model);
  state->config = config;

  llama_context_params params = llama_context_default_params();
  params.n_ctx = (static_cast<std::uint32_t>(config.context_tokens) + 255) / 256 * 256;
  params.n_batch = static_cast<std::uint32_t>(config.batch_tokens);
  params.n_ubatch = params.n_batch;
  params.n_seq_max = static_cast<std::uint32_t>(config.max_sequences);
  const int threads = config.threads > 0 ? config.threads : default_threads();
  params.n_threads = threads;
  params.n_threads_batch = threads;
  // "Auto" turns it off where another back end than the memory's computes it, as ours does.
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  params.kv_unified = true;  // sequences share the cells and common beginnings
  params.swa_full = false;   // checkpoints serve where the window's past is gone
  params.no_perf = true;
  params.abort_callback = stop_requested;
  params.abort_callback_data = static_cast<void*>(&state->stop);

  internal::take_first_log_error();
  state->context.reset(llama_init_from_model(state->model->model_.get(), params));
  if (!state->context) {
    const std::string reason = internal::take_first_log_error();
    return fail(ErrorCode::OutOfMemory, std::format("a context of {} tokens could not be made{}{}",
                                                    config.context_tokens, reason.empty() ? "" : ": ", reason));
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
  const std::size_t count = tokens.size();
  const std::int32_t vocabulary = s.model->vocabulary_size();
  s.tokens.resize(count);
  s.positions.resize(count);
  s.sequences.resize(count);
  s.outputs.resize(count);
  s.ones.assign(count, 1);
  s.sequence_pointers.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const PlacedToken& t = tokens[i];
    if (t.token < 0 || t.token >= vocabulary || t.position < 0 || t.sequence < 0 ||
        t.sequence >= s.config.max_sequences) {
      return fail(ErrorCode::InvalidArgument, std::format("token {} at position {} of sequence {} is out of range",
                                                          t.token, t.position, t.sequence));
    }
    s.tokens[i] = t.token;
    s.positions[i] = t.position;
    s.sequences[i] = t.sequence;
    s.outputs[i] = t.wants_logits ? 1 : 0;
    s.sequence_pointers[i] = &s.sequences[i];
  }
  const llama_batch batch{
      .n_tokens = static_cast<std::int32_t>(count),
      .token = s.tokens.data(),
      .embd = nullptr,
      .pos = s.positions.data(),
      .n_seq_id = s.ones.data(),
      .seq_id = s.sequence_pointers.data(),
      .logits = s.outputs.data(),
  };
  internal::take_first_log_error();
  s.stop = &stop;
  const std::int32_t status = llama_decode(s.context.get(), batch);
  s.stop = nullptr;
  switch (status) {
    case 0:
      break;
    case 1:
      return fail(ErrorCode::ContextFull, std::format("no room in the context for {} more tokens", count));
    case 2:
      return fail(ErrorCode::Cancelled, "computing was stopped");
    case -2:
      return fail(ErrorCode::OutOfMemory, "llama.cpp could not allocate memory for a batch");
    default: {
      const std::string reason = internal::take_first_log_error();
      return fail(ErrorCode::Internal, std::format("llama.cpp could not compute a batch (status {}){}{}", status,
                                                   reason.empty() ? "" : ": ", reason));
    }
  }
  s.has_logits.resize(count);
  for (std::size_t i = 0; i < count; ++i) s.has_logits[i] = tokens[i].wants_logits;
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
  // Behind a sliding window the cells are gone, though llama.cpp would cut there without a word.
  if (const std::int32_t window = state_->model->sliding_window(); window > 0 && from > 0) {
    const std::int32_t first = llama_memory_seq_pos_min(state_->memory(), sequence);
    if (first > std::max(0, from - window)) return false;
  }
  return llama_memory_seq_rm(state_->memory(), sequence, from, -1);
}

void GenerationContext::clear(std::int32_t sequence) { llama_memory_seq_rm(state_->memory(), sequence, -1, -1); }

void GenerationContext::share(std::int32_t from, std::int32_t to, std::int32_t length) {
  llama_memory_seq_cp(state_->memory(), from, to, 0, length);
}

std::int32_t GenerationContext::length(std::int32_t sequence) const {
  return llama_memory_seq_pos_max(state_->memory(), sequence) + 1;  // -1 for an empty one
}

Result<std::vector<std::byte>> GenerationContext::save(std::int32_t sequence, MemoryPart part) const {
  try {
    llama_context* context = state_->context.get();
    std::vector<std::byte> bytes(llama_state_seq_get_size_ext(context, sequence, flags_of(part)));
    const std::size_t written = llama_state_seq_get_data_ext(context, reinterpret_cast<std::uint8_t*>(bytes.data()),
                                                             bytes.size(), sequence, flags_of(part));
    if (written != bytes.size()) return fail(ErrorCode::Internal, "llama.cpp could not copy a sequence's memory");
    return bytes;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "no memory to keep a sequence's state");
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::Internal, std::format("a sequence's memory cannot be copied: {}", thrown.what()));
  }
}

Result<void> GenerationContext::restore(std::int32_t sequence, std::span<const std::byte> bytes, MemoryPart part) {
  const auto no_room = [] { return fail(ErrorCode::ContextFull, "a sequence's state does not fit the context"); };
  try {
    internal::take_first_log_error();
    const std::size_t read =
        llama_state_seq_set_data_ext(state_->context.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size(), sequence, flags_of(part));
    internal::take_first_log_error();
    if (read == 0) return no_room();
  } catch (const std::exception&) {
    return no_room();
  }
  return {};
}

}  // namespace llama
