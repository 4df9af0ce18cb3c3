#include "bf16_choice.h"

#include <algorithm>
#include <format>

#include "llama-core/bf16.h"
#include "llama-core/embedding_context.h"
#include "llama-core/kernels.h"
#include "llama-core/processor.h"
#include "llama-loader/bf16_copy.h"
#include "llama-loader/measurement_memory.h"

namespace llama::internal {
namespace {

constexpr std::size_t kTokens = 256;
constexpr int kRounds = 3;
constexpr double kMinGain = 1.1;

std::chrono::nanoseconds median(std::vector<std::chrono::nanoseconds> times) {
  if (times.empty()) return std::chrono::nanoseconds(0);
  std::ranges::sort(times);
  return times[times.size() / 2];
}

// Short texts side by side, as embed computes them.
Result<TokenBatch> short_batch(const Model& model) {
  const auto tokens = model.tokenize(
      "A short text of some thirty tokens, as there are many in a file of titles, sentences or questions: what is it "
      "about, and which other texts are like it?",
      SpecialTokens::Text);
  if (!tokens) return std::unexpected(tokens.error());
  TokenBatch batch;
  do {
    if (auto added = batch.add_sequence(*tokens); !added) return std::unexpected(added.error());
  } while (batch.token_count() + tokens->size() <= kTokens);
  return batch;
}

Result<Bf16Timings> measure(const std::shared_ptr<const Model>& model, const std::shared_ptr<const Model>& copy,
                            std::int32_t threads, Pooling pooling, const std::stop_token& stop) {
  const auto batch = short_batch(*model);
  if (!batch) return std::unexpected(batch.error());
  const EmbeddingContextConfig config{.max_tokens = static_cast<std::int32_t>(std::max(batch->token_count(), kTokens)),
                                      .max_sequences = static_cast<std::int32_t>(batch->sequence_count()),
                                      .threads = threads,
                                      .pooling = pooling};
  auto mine = EmbeddingContext::create(model, config);
  if (!mine) return std::unexpected(mine.error());
  auto theirs = EmbeddingContext::create(copy, config);
  if (!theirs) return std::unexpected(theirs.error());
  Bf16Timings timings;
  for (int round = 0; round <= kRounds; ++round) {
    for (auto* context : {&*mine, &*theirs}) {
      const auto started = std::chrono::steady_clock::now();
      if (auto computed = context->compute(*batch, stop); !computed) return std::unexpected(computed.error());
      const auto took = std::chrono::steady_clock::now() - started;
      // The first brings the weights into memory.
      if (round > 0) (context == &*mine ? timings.model : timings.copy).push_back(took);
    }
  }
  return timings;
}

}  // namespace

bool may_use_bf16_copy(const Bf16Facts& facts) {
  return facts.wanted && facts.device == "CPU" && facts.kernels.starts_with("stock (") &&
         facts.weights.ends_with(" Q8_0") && facts.multiplies_bf16;
}

bool copy_is_faster(const Bf16Timings& timings) {
  const auto model = median(timings.model), copy = median(timings.copy);
  return copy.count() > 0 && static_cast<double>(model.count()) > kMinGain * static_cast<double>(copy.count());
}

std::shared_ptr<const Model> choose_bf16_copy(const Bf16World& world) {
  const auto known = world.recall();
  if (known == 0) return nullptr;
  const auto give_up = [&](const Error& error) {
    world.say(std::format("No BF16 copy is used: {}", error.message));
    return nullptr;
  };
  auto copy = world.copy();
  if (!copy) return give_up(copy.error());
  if (known == 1) return *copy;
  const auto timings = world.measure(*copy);
  if (!timings) return give_up(timings.error());
  const bool faster = copy_is_faster(*timings);
  world.remember(faster ? 1 : 0);
  if (faster) return *copy;
  copy->reset();
  world.remove_copy();
  world.say("The BF16 copy was not faster here and is removed");
  return nullptr;
}

std::shared_ptr<const Model> choose_bf16_copy(const EmbeddingConfig& config, const LoadedModel& loaded,
                                              Pooling pooling) {
  const std::string kernels = kernels_in_use(), weights = loaded.model->description(), device = loaded.model->device();
  if (!may_use_bf16_copy({.wanted = config.bf16_copy,
                          .kernels = kernels,
                          .weights = weights,
                          .multiplies_bf16 = multiplies_bf16(),
                          .device = device}))
    return nullptr;
  const CacheManager& cache = config.loader->cache();
  const MeasurementMemory memory(cache.folder());
  const std::string key =
      std::format("bf16 copy is faster; {}; {}, {} threads; llama-embedding {}", loaded.metadata.identity,
                  processor_name(), config.threads > 0 ? config.threads : default_threads(), LLAMA_EMBEDDING_VERSION);
  return choose_bf16_copy(Bf16World{
      .recall = [&] { return memory.recall(key); },
      .remember = [&](std::int64_t faster) { memory.remember(key, faster); },
      .copy = [&] -> Result<std::shared_ptr<const Model>> {
        auto made = bf16_copy_of(loaded, cache, config.threads, config.on_message, config.stop);
        if (!made) return std::unexpected(made.error());
        const auto file = made->paths().front();
        auto copy =
            config.loader->load_model({.source = ModelSource(LocalSource{file.parent_path(), file.filename().string()}),
                                       .stop = config.stop,
                                       .device = config.device,
                                       .on_notice = config.on_notice});
        if (!copy) return std::unexpected(copy.error());
        return copy->model;
      },
      .measure =
          [&](const std::shared_ptr<const Model>& copy) {
            return measure(loaded.model, copy, config.threads, pooling, config.stop);
          },
      .remove_copy =
          [&] {
            // One that another process uses stays, until the cache is full.
            if (auto removed = cache.remove(bf16_copy_key(loaded)); !removed) return;
          },
      .say =
          [&](std::string_view line) {
            if (config.on_message) config.on_message(line);
          }});
}

}  // namespace llama::internal
