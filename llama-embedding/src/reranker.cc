#include "llama-embedding/reranker.h"

#include <algorithm>
#include <format>
#include <utility>

#include "embedder.h"
#include "llama-base/utf8.h"
#include "llama-core/embedding_context.h"
#include "llama-embedding/batch_plan.h"
#include "llama-embedding/embedding_result.h"
#include "model_tensors.h"
#include "pair_format.h"
#include "pair_tokenizer.h"
#include "shared_prefix.h"

namespace llama {
namespace {

constexpr std::int32_t kDefaultMaxLength = 8'192;  // tokens of a pair

Error no_finite_score() {
  return {.code = ErrorCode::InvalidModel, .message = "the model gives NaN or infinity for this text"};
}

}  // namespace

struct Reranker::State {
  RerankerConfig config;
  LoadedModel loaded;
  internal::PairPlan plan;
  std::int32_t max_length;
  internal::PairTokenizer tokenizer;
  std::optional<EmbeddingContext> context{};
  bool is_tainted = false;    // the context's memory may hold NaN
  int not_finite_in_row = 0;  // pairs, up to the last one

  // The pairs of one call, and what becomes of them.
  struct Job {
    std::vector<Result<internal::TokenizedPair>> pairs;
    const ScoreOptions& options;
    std::vector<PairScore> scores{};
    std::vector<std::size_t> sound{};                    // indices of the pairs that can be computed
    std::vector<std::span<const Token>> sound_tokens{};  // of each of those
    std::size_t prefix = 0;                              // that the pairs being computed have in common
    std::size_t done = 0;
    bool is_few_passes = false;  // if all of them are computed side by side
  };
  [[nodiscard]] bool fits_few_passes(const Job& job) const;
  [[nodiscard]] Result<void> make_room_for(std::size_t tokens, const Job& job);
  // Of a causal model the words before the text are the same in all pairs, and are computed once in a pass.
  [[nodiscard]] Result<std::vector<internal::PrefixGroup>> group_pairs(const Job& job);
  [[nodiscard]] Result<void> compute_group(Job& job, const internal::PrefixGroup& group);
  // Returns those without a finite score.
  [[nodiscard]] Result<std::vector<std::size_t>> compute_pass(Job& job, std::span<const std::size_t> batch);
  [[nodiscard]] Result<void> compute(Job& job, std::span<const std::size_t> batch);
};

Reranker::Reranker(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reranker::~Reranker() = default;
Reranker::Reranker(Reranker&&) noexcept = default;
Reranker& Reranker::operator=(Reranker&&) noexcept = default;

const ModelMetadata& Reranker::metadata() const { return state_->loaded.metadata; }
std::int32_t Reranker::max_length() const { return state_->max_length; }
const std::string& Reranker::warning() const { return state_->plan.warning; }

Result<Reranker> Reranker::load(RerankerConfig config) {
  if (config.batch_size < 1 || config.token_budget < 1 || config.threads < 0 || config.max_length.value_or(1) < 1)
    return fail(ErrorCode::InvalidArgument, "a reranker's batch size, token budget and maximum length are at least 1");
  config.batch_size = std::min(config.batch_size, max_parallel_sequences());
  if (!config.loader) config.loader = std::make_shared<const ModelLoader>();
  auto loaded = config.loader->load_model({.source = config.model_source,
                                           .on_progress = config.on_load_progress,
                                           .on_download = config.on_download,
                                           .on_message = config.on_message,
                                           .stop = config.stop,
                                           .device = config.device,
                                           .on_notice = config.on_notice});
  if (!loaded) return std::unexpected(loaded.error());
  const auto about = [&](const Error& error) {
    return fail(error.code, std::format("model '{}': {}", loaded->metadata.filename, error.message));
  };
  const auto tensors = internal::read_model_tensors(*loaded);
  if (!tensors) return about(tensors.error());
  auto plan = internal::plan_pairs(internal::find_pair_facts(*loaded->model, *tensors));
  if (!plan) return about(plan.error());
  const std::int32_t trained = std::max(1, loaded->model->trained_context());
  const std::int32_t max_length = std::min(trained, config.max_length.value_or(kDefaultMaxLength));
  auto tokenizer = internal::PairTokenizer::create(loaded->model, plan->format, static_cast<std::size_t>(max_length));
  if (!tokenizer) return about(tokenizer.error());
  return Reranker(std::make_unique<State>(std::move(config), std::move(*loaded), std::move(*plan), max_length,
                                          std::move(*tokenizer)));
}

Result<std::vector<PairScore>> Reranker::score(std::string_view query, std::span<const std::string> texts,
                                               const ScoreOptions& options) {
  if (!internal::is_utf8(query)) return fail(ErrorCode::InvalidText, "the query is not valid UTF-8");
  auto pairs = state_->tokenizer(query, texts);
  if (!pairs) return std::unexpected(pairs.error());
  State::Job job{.pairs = std::move(*pairs), .options = options};
  for (std::size_t i = 0; i < job.pairs.size(); ++i) {
    const auto& pair = job.pairs[i];
    job.scores.push_back(
        {.score = pair ? Result<float>(0) : std::unexpected(pair.error()), .truncated = pair && pair->truncated});
    if (!pair) continue;
    job.sound.push_back(i);
    job.sound_tokens.emplace_back(pair->tokens);
  }
  job.done = texts.size() - job.sound.size();
  job.is_few_passes = state_->fits_few_passes(job);
  const auto groups = state_->group_pairs(job);
  if (!groups) return std::unexpected(groups.error());
  for (const internal::PrefixGroup& group : *groups)
    if (auto computed = state_->compute_group(job, group); !computed) return std::unexpected(computed.error());
  return std::move(job.scores);
}

bool Reranker::State::fits_few_passes(const Job& job) const {
  std::size_t tokens = 0;
  for (const std::span<const Token> pair : job.sound_tokens) tokens += pair.size();
  const auto fit = [](std::size_t count, std::int32_t a_pass) {
    return count <= kFewBatches * static_cast<std::size_t>(a_pass);
  };
  return fit(tokens, config.token_budget) && fit(job.sound.size(), config.batch_size);
}

// Only a context knows whether its sequences can share a prefix.
Result<std::vector<internal::PrefixGroup>> Reranker::State::group_pairs(const Job& job) {
  Result<void> made{};
  auto groups = internal::group_by_prefix(job.sound_tokens, [&](std::size_t longest) {
    if (!loaded.model->ranks_by_last_token() || config.batch_size == 1) return false;
    made = make_room_for(longest, job);
    return made && context->takes_prefix(longest);
  });
  if (!made) return std::unexpected(made.error());
  return groups;
}

Result<void> Reranker::State::compute_group(Job& job, const internal::PrefixGroup& group) {
  job.prefix = group.prefix;
  std::vector<std::size_t> lengths;
  for (const std::size_t i : group.texts) lengths.push_back(job.sound_tokens[i].size() - group.prefix);
  const std::size_t budget = internal::budget_beside(group.prefix, static_cast<std::size_t>(config.token_budget));
  for (auto& batch : plan_batches(lengths, budget, static_cast<std::size_t>(config.batch_size))) {
    for (std::size_t& i : batch) i = job.sound[group.texts[i]];
    if (auto computed = compute(job, batch); !computed) return computed;
    job.done += batch.size();
    if (job.options.on_progress) job.options.on_progress(job.done);
  }
  return {};
}

// As the Embedder does: a NaN of one pair may reach others of its pass, so each without a finite score is tried alone.
Result<void> Reranker::State::compute(Job& job, std::span<const std::size_t> batch) {
  const auto not_finite = compute_pass(job, batch);
  if (!not_finite) return std::unexpected(not_finite.error());
  if (not_finite->size() < batch.size()) not_finite_in_row = 0;
  for (const std::size_t pair : *not_finite) {
    const auto again = compute_pass(job, std::span(&pair, 1));
    if (!again) return std::unexpected(again.error());
    not_finite_in_row = again->empty() ? 0 : not_finite_in_row + 1;
    if (not_finite_in_row >= internal::kMaxNotFinite)
      return fail(
          ErrorCode::InvalidModel,
          std::format("the reranker gives no finite score: NaN or infinity for {} texts in a row", not_finite_in_row));
  }
  return {};
}

Result<std::vector<std::size_t>> Reranker::State::compute_pass(Job& job, std::span<const std::size_t> batch) {
  if (job.options.stop.stop_requested()) return fail(ErrorCode::Cancelled, "scoring was stopped");
  TokenBatch tokens;
  const std::size_t prefix = batch.size() > 1 ? job.prefix : 0;
  if (auto set = tokens.set_prefix(std::span(job.pairs[batch.front()]->tokens).first(prefix)); !set)
    return std::unexpected(set.error());
  for (const std::size_t i : batch) {
    const internal::TokenizedPair& pair = *job.pairs[i];
    auto added = plan.has_types ? tokens.add_pair(pair.tokens, pair.second)
                                : tokens.add_sequence(std::span(pair.tokens).subspan(prefix));
    if (!added) return std::unexpected(added.error());
  }
  if (auto room = make_room_for(tokens.token_count(), job); !room) return std::unexpected(room.error());
  if (auto computed = context->compute(tokens, job.options.stop); !computed) return std::unexpected(computed.error());
  std::vector<std::size_t> not_finite;
  for (std::size_t sequence = 0; sequence < batch.size(); ++sequence) {
    const auto outputs = context->embedding(sequence);
    if (!outputs) return std::unexpected(outputs.error());
    PairScore& score = job.scores[batch[sequence]];
    if (is_finite(*outputs)) {
      score.score = (*outputs)[plan.score];
    } else {
      score.score = std::unexpected(no_finite_score());
      not_finite.push_back(batch[sequence]);
    }
  }
  is_tainted = !not_finite.empty() && !loaded.model->is_encoder();
  return not_finite;
}

Result<void> Reranker::State::make_room_for(std::size_t tokens, const Job& job) {
  const auto needed = static_cast<std::int32_t>(tokens);
  if (context && context->config().max_tokens >= needed && !is_tainted) return {};
  std::int32_t size = std::max(needed, config.token_budget);
  if (context) size = std::max(size, context->config().max_tokens);
  auto made = EmbeddingContext::create(loaded.model, {.max_tokens = size,
                                                      .max_sequences = config.batch_size,
                                                      .threads = config.threads,
                                                      .pooling = Pooling::Rank,
                                                      .few_batches = job.is_few_passes && !context});
  if (!made) return std::unexpected(made.error());
  context = std::move(*made);
  is_tainted = false;
  return {};
}

}  // namespace llama
