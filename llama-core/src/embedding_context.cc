#include "llama-core/embedding_context.h"

#include <llama.h>

#include <algorithm>
#include <cstdint>
#include <format>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abort_callback.h"
#include "device_context.h"
#include "device_state.h"
#include "llama-core/kernels.h"
#include "llama-core/processor.h"
#include "memory_needs.h"
#include "tensor_place.h"
#include "token_rows.h"

namespace llama {
namespace {

enum llama_pooling_type to_c(Pooling pooling) {
  switch (pooling) {
    case Pooling::None:
      return LLAMA_POOLING_TYPE_NONE;
    case Pooling::Mean:
      return LLAMA_POOLING_TYPE_NONE;  // ours: take_means()
    case Pooling::Cls:
      return LLAMA_POOLING_TYPE_CLS;
    case Pooling::Last:
      return LLAMA_POOLING_TYPE_LAST;
    case Pooling::Rank:
      return LLAMA_POOLING_TYPE_RANK;
  }
  return LLAMA_POOLING_TYPE_NONE;
}

// Architectures that attend to both sides whatever their file says.
//
// Source   llama.cpp's llm_arch: EmbeddingGemma and Nvidia's llama-embed set causal_attn themselves; diffusion models.
bool is_causal(const Model& model, const llama_model* c_model) {
  const std::string architecture = model.architecture();
  return !model.is_encoder() && !llama_model_has_encoder(c_model) && !llama_model_is_diffusion(c_model) &&
         architecture != "gemma-embedding" && architecture != "llama-embed";
}

// llama.cpp takes the first numbers of the vectors for scores where a model has no layer that makes scores of them.
Result<void> check_rank_head(std::span<const std::filesystem::path> files) {
  for (const char* tensor : {"cls.output.weight", "cls.weight"}) {
    const auto place = internal::find_tensor(files, tensor);
    if (!place) return std::unexpected(place.error());
    if (*place) return {};
  }
  return fail(ErrorCode::InvalidArgument, "pooling 'rank' needs a reranker, and this model has no classification head");
}

// The sequences of each token: those of the prefix are all sequences'.
struct SequencesOfTokens {
  SequencesOfTokens(std::span<const std::int32_t> sequence_ids, std::size_t prefix_length, std::size_t sequences)
      : all(prefix_length > 0 ? sequences : 0), counts(sequence_ids.size(), 1), ids(sequence_ids.size()) {
    std::ranges::iota(all, 0);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool shared = i < prefix_length;
      if (shared) counts[i] = static_cast<std::int32_t>(sequences);
      ids[i] = shared ? all.data() : const_cast<std::int32_t*>(&sequence_ids[i]);  // llama.cpp only reads
    }
  }
  std::vector<llama_seq_id> all;
  std::vector<std::int32_t> counts;
  std::vector<llama_seq_id*> ids;
};

int threads_of(const EmbeddingContextConfig& config) { return config.threads > 0 ? config.threads : default_threads(); }

}  // namespace

struct EmbeddingContext::State {
  std::shared_ptr<const Model> model;
  EmbeddingContextConfig config;
  const std::stop_token* stop = nullptr;  // during compute(); llama.cpp asks between graph nodes
  internal::DeviceContext context;
  std::size_t computed_sequences = 0;
  std::vector<float> means;  // of the sequences computed last; for mean pooling

  std::optional<internal::TokenRows> token_rows;  // once there are pairs

  [[nodiscard]] std::size_t dimension() const { return static_cast<std::size_t>(model->embedding_dimension()); }
  [[nodiscard]] Result<std::vector<float>> rows_of_pairs(const TokenBatch& batch);
  [[nodiscard]] bool take_means(std::span<const std::int32_t> sequence_ids, std::size_t sequences);
};

// llama.cpp's own mean is a product with a matrix as wide as the batch: its last bits depend on where in the batch a
// text lies. This one adds up each text by itself.
bool EmbeddingContext::State::take_means(std::span<const std::int32_t> sequence_ids, std::size_t sequences) {
  means.assign(sequences * dimension(), 0);
  std::vector<double> sum(dimension());
  for (std::size_t begin = 0, end = 0; begin < sequence_ids.size(); begin = end) {
    std::ranges::fill(sum, 0.0);
    for (end = begin; end < sequence_ids.size() && sequence_ids[end] == sequence_ids[begin]; ++end) {
      const float* row = llama_get_embeddings_ith(context.get(), static_cast<std::int32_t>(end));
      if (row == nullptr) return false;
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
    }
    float* mean = means.data() + static_cast<std::size_t>(sequence_ids[begin]) * sum.size();
    for (std::size_t i = 0; i < sum.size(); ++i)
      mean[i] = static_cast<float>(sum[i] / static_cast<double>(end - begin));
  }
  return true;
}

Result<std::vector<float>> EmbeddingContext::State::rows_of_pairs(const TokenBatch& batch) {
  if (!token_rows) {
    auto opened = internal::TokenRows::open(model->device_state_->files);
    if (!opened) return std::unexpected(opened.error());
    if (opened->dimension() != static_cast<std::size_t>(llama_model_n_embd(model->model_.get())))
      return fail(ErrorCode::InvalidModel, "the model's file is another one than was loaded");
    token_rows = std::move(*opened);
  }
  return token_rows->read(batch.tokens_, batch.is_second_);
}

std::int32_t max_parallel_sequences() { return static_cast<std::int32_t>(llama_max_parallel_sequences()); }

EmbeddingContext::EmbeddingContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingContext::~EmbeddingContext() = default;
EmbeddingContext::EmbeddingContext(EmbeddingContext&&) noexcept = default;
EmbeddingContext& EmbeddingContext::operator=(EmbeddingContext&&) noexcept = default;

const EmbeddingContextConfig& EmbeddingContext::config() const { return state_->config; }
std::string EmbeddingContext::device() const { return state_->context.device(); }

Result<EmbeddingContext> EmbeddingContext::create(std::shared_ptr<const Model> model,
                                                  const EmbeddingContextConfig& config) {
  if (model == nullptr) return fail(ErrorCode::InvalidArgument, "a context needs a model");
  if (config.max_tokens < 1 || config.max_tokens > (1 << 24)) {
    return fail(ErrorCode::InvalidArgument, std::format("a context of {} tokens is out of range", config.max_tokens));
  }
  if (config.max_sequences < 1 || config.max_sequences > max_parallel_sequences()) {
    return fail(ErrorCode::InvalidArgument, std::format("{} sequences in one batch: 1 to {} are possible",
                                                        config.max_sequences, max_parallel_sequences()));
  }
  if (config.threads < 0) return fail(ErrorCode::InvalidArgument, "the number of threads must not be negative");
  if (config.pooling == Pooling::None)
    return fail(ErrorCode::InvalidArgument, "pooling 'none' gives no vector per text");

  if (config.pooling == Pooling::Rank) {
    if (auto checked = check_rank_head(model->device_state_->files); !checked) return std::unexpected(checked.error());
  }

  auto state = std::make_unique<State>();
  state->model = std::move(model);
  state->config = config;

  llama_context_params params = llama_context_default_params();
  const auto tokens = static_cast<std::uint32_t>(config.max_tokens);
  params.n_ctx = (tokens + 255) / 256 * 256;  // llama.cpp pads to 256 itself
  params.n_batch = params.n_ctx;
  params.n_ubatch = params.n_ctx;  // pooling must see a sequence whole
  params.n_seq_max = static_cast<std::uint32_t>(config.max_sequences);
  const int threads = threads_of(config);
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.embeddings = true;
  params.pooling_type = to_c(config.pooling);
  params.kv_unified = true;
  params.no_perf = true;
  params.abort_callback = internal::is_pass_stopped;
  params.abort_callback_data = static_cast<void*>(&state->stop);

  // Only a causal model has a cache.
  const llama_model* handle = state->model->model_.get();
  const std::uint64_t needed =
      is_causal(*state->model, handle)
          ? internal::cache_bytes(*state->model, handle, static_cast<std::uint64_t>(config.max_tokens))
          : 0;
  auto opened = state->context.open(
      *state->model, params,
      {.tokens = config.max_tokens,
       .needed_bytes = needed,
       .rules = {.small_batches_too = true,
                 .few_passes = config.few_batches,
                 .reads = params.pooling_type == LLAMA_POOLING_TYPE_NONE ? internal::ResultsRead::Outputs
                                                                         : internal::ResultsRead::Pooled}});
  if (!opened) return std::unexpected(opened.error());
  EmbeddingContext context(std::move(state));
  if (!config.warm_up || config.few_batches) return context;
  if (auto warm = context.warm_up(); !warm) return std::unexpected(warm.error());
  return context;
}

// A few tokens, so that what is done once (packing the weights, above all) is over before the first batch.
Result<void> EmbeddingContext::warm_up() {
  constexpr std::size_t kTokens = 8;
  if (kernels_in_use().starts_with("stock")) return {};
  const std::vector<Token> tokens(std::min<std::size_t>(kTokens, static_cast<std::size_t>(state_->config.max_tokens)),
                                  0);
  TokenBatch batch;
  if (auto added = batch.add_sequence(tokens); !added) return added;
  auto computed = compute(batch);
  state_->computed_sequences = 0;
  return computed;
}

void EmbeddingContext::set_threads(std::int32_t threads) {
  if (threads == state_->config.threads) return;
  state_->config.threads = threads;
  state_->context.set_threads(threads_of(state_->config));
}

bool EmbeddingContext::takes_prefix(std::size_t longest) const {
  const Model& model = *state_->model;
  const std::int32_t window = model.sliding_window();
  const Pooling pooling = state_->config.pooling;
  const bool reads_last = pooling == Pooling::Last || (pooling == Pooling::Rank && model.ranks_by_last_token());
  return reads_last && is_causal(model, model.model_.get()) && !model.is_recurrent() &&
         llama_get_memory(state_->context.get()) != nullptr && (window == 0 || std::cmp_less_equal(longest, window));
}

Result<void> EmbeddingContext::compute(const TokenBatch& batch, const std::stop_token& stop) {
  State& state = *state_;
  state.computed_sequences = 0;
  if (batch.sequence_count() == 0) return fail(ErrorCode::InvalidArgument, "an empty batch cannot be computed");
  if (batch.token_count() > static_cast<std::size_t>(state.config.max_tokens) ||
      batch.sequence_count() > static_cast<std::size_t>(state.config.max_sequences)) {
    return fail(ErrorCode::ContextFull,
                std::format("{} tokens in {} sequences do not fit a context of {} and {}", batch.token_count(),
                            batch.sequence_count(), state.config.max_tokens, state.config.max_sequences));
  }
  const std::int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(state.model->model_.get()));
  if (const auto bad = std::ranges::find_if(batch.tokens_, [&](Token t) { return t < 0 || t >= vocabulary; });
      bad != batch.tokens_.end()) {
    return fail(ErrorCode::InvalidArgument, std::format("token {} is outside the vocabulary of {}", *bad, vocabulary));
  }

  if (batch.prefix_length_ > 0 && !takes_prefix(batch.longest_)) {
    return fail(ErrorCode::InvalidArgument, "this model's sequences cannot share a prefix");
  }

  const std::size_t count = batch.token_count();
  std::vector<std::int8_t> outputs(count, 1);  // pooling reads every token
  SequencesOfTokens sequences(batch.sequence_ids_, batch.prefix_length_, batch.sequence_count());
  std::vector<float> rows;
  if (!batch.is_second_.empty()) {
    auto read = state.rows_of_pairs(batch);
    if (!read) return std::unexpected(read.error());
    rows = std::move(*read);
  }
  const llama_batch c_batch{
      .n_tokens = static_cast<std::int32_t>(count),
      .token = rows.empty() ? const_cast<Token*>(batch.tokens_.data()) : nullptr,
      .embd = rows.empty() ? nullptr : rows.data(),
      .pos = const_cast<std::int32_t*>(batch.positions_.data()),
      .n_seq_id = sequences.counts.data(),
      .seq_id = sequences.ids.data(),
      .logits = outputs.data(),
  };

  const auto decode = [&] {
    if (llama_memory_t memory = llama_get_memory(state.context.get())) llama_memory_clear(memory, false);
    return state.context.decode(c_batch);
  };
  state.stop = &stop;
  auto computed = decode();
  if (!computed && !stop.stop_requested() && state.context.may_move(computed.error())) {
    // The device's error tells more than that the CPU has no room either.
    if (state.context.move_to_cpu(computed.error())) computed = decode();
  }
  state.stop = nullptr;
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "computing was stopped");
  if (!computed) return computed;
  if (state.config.pooling == Pooling::Mean && !state.take_means(batch.sequence_ids_, batch.sequence_count())) {
    return fail(ErrorCode::Internal, "llama.cpp returned no vector for a token");
  }
  state.computed_sequences = batch.sequence_count();
  return {};
}

Result<std::span<const float>> EmbeddingContext::embedding(std::size_t sequence) const {
  if (sequence >= state_->computed_sequences) {
    return fail(ErrorCode::InvalidArgument, std::format("the last batch has no sequence {}", sequence));
  }
  if (state_->config.pooling == Pooling::Mean)
    return std::span<const float>(state_->means).subspan(sequence * state_->dimension(), state_->dimension());
  const float* vector = llama_get_embeddings_seq(state_->context.get(), static_cast<llama_seq_id>(sequence));
  if (vector == nullptr) return fail(ErrorCode::Internal, "llama.cpp returned no vector for a sequence");
  const bool is_rank = state_->config.pooling == Pooling::Rank;
  return std::span(vector, is_rank ? state_->model->class_labels().size() : state_->dimension());
}

}  // namespace llama
