#include "llama-embedding/embedding_model.h"

#include <algorithm>
#include <format>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "bf16_choice.h"
#include "embedder.h"
#include "llama-base/utf8.h"
#include "llama-core/kernels.h"
#include "llama-embedding/pooling_choice.h"
#include "llama-loader/model_loader.h"
#include "model_budget.h"
#include "model_tensors.h"
#include "text_tokenizer.h"

namespace llama {
namespace {

void add_warning(std::string& warning, std::string_view more) {
  if (more.empty()) return;
  if (!warning.empty()) warning += "; ";
  warning += more;
}

// The file's header is read once more, of this one architecture.
Result<DenseLayers> dense_layers_of(const LoadedModel& loaded) {
  const std::string architecture = loaded.model->architecture();
  if (architecture != "gemma-embedding") return find_dense_layers(architecture, {});
  const auto tensors = internal::read_model_tensors(loaded);
  if (!tensors) return std::unexpected(tensors.error());
  return find_dense_layers(architecture, *tensors);
}

// The header is read once more of encoders that do not say their pooling.
Result<bool> has_rank_head(const LoadedModel& loaded) {
  if (loaded.model->pooling() || !loaded.model->is_encoder()) return false;
  const auto tensors = internal::read_model_tensors(loaded);
  if (!tensors) return std::unexpected(tensors.error());
  return std::ranges::contains(*tensors, "cls.output.weight", &GgufTensor::name);
}

}  // namespace

struct EmbeddingModel::State {
  explicit State(EmbeddingConfig c, LoadedModel l) : config(std::move(c)), loaded(std::move(l)) {}
  EmbeddingConfig config;
  LoadedModel loaded;
  std::string kernels;
  Pooling pooling = Pooling::Mean;
  std::int32_t max_length = 0;
  bool appends_eos = false;
  DenseLayers dense_layers = DenseLayers::None;
  std::string warning;
  std::optional<internal::TextTokenizer> tokenizer;
  std::mutex budgets_mutex;
  std::map<std::int32_t, std::unique_ptr<internal::BudgetTuner>> budgets;  // by texts per pass
  std::mutex mutex;                                                        // guards embedder
  std::optional<internal::Embedder> embedder;
};

EmbeddingModel::EmbeddingModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingModel::~EmbeddingModel() = default;

Result<std::shared_ptr<const EmbeddingModel>> EmbeddingModel::load(EmbeddingConfig config) {
  const auto invalid = [](std::string_view message) { return fail(ErrorCode::InvalidArgument, std::string(message)); };
  if (config.batch_size < 1) return invalid("the batch size must be at least 1");
  if (config.token_budget < 0) return invalid("the token budget must not be negative");
  if (config.threads < 0) return invalid("the number of threads must not be negative");
  if (config.lanes < 0) return invalid("the number of lanes must not be negative");
  if (config.max_sequence_length && *config.max_sequence_length < 1)
    return invalid("the maximum length must be at least 1 token");

  if (!config.loader) config.loader = std::make_shared<const ModelLoader>();
  auto loaded = config.loader->load_model({.source = config.model_source,
                                           .on_progress = config.on_load_progress,
                                           .on_download = config.on_download,
                                           .on_message = config.on_message,
                                           .stop = config.stop,
                                           .device = config.device,
                                           .on_notice = config.on_notice});
  if (!loaded) return std::unexpected(loaded.error());
  std::shared_ptr<const Model> model = loaded->model;
  const std::string file = loaded->metadata.filename;
  const auto about = [&](const Error& error) {
    return fail(error.code, std::format("model '{}': {}", file, error.message));
  };

  if (model->is_encoder_decoder())
    return about({ErrorCode::InvalidModel, "encoder-decoder models have no text embedding"});
  if (model->embedding_dimension() < 1) return about({ErrorCode::InvalidModel, "the model has no embedding"});
  const auto rank_head = has_rank_head(*loaded);
  if (!rank_head) return about(rank_head.error());
  const auto pooling =
      choose_pooling({.asked = config.pooling,
                      .declared = model->pooling(),
                      .is_encoder = model->is_encoder(),
                      .name = file + " " + model->metadata("general.name") + " " + model->metadata("general.basename"),
                      .has_rank_head = *rank_head});
  if (!pooling) return about(pooling.error());
  const auto dense_layers = dense_layers_of(*loaded);
  if (!dense_layers) return about(dense_layers.error());
  std::string kernels = kernels_in_use();
  if (auto copy = internal::choose_bf16_copy(config, *loaded, pooling->pooling)) {
    kernels += ", bf16 copy";
    loaded->model = model = std::move(copy);
  }

  auto state = std::make_unique<State>(std::move(config), std::move(*loaded));
  state->kernels = std::move(kernels);
  state->pooling = pooling->pooling;
  state->dense_layers = *dense_layers;
  state->warning = pooling->warning;
  state->appends_eos = state->pooling == Pooling::Last && !model->closing_token() && model->eos_token();
  if (state->appends_eos && state->warning.empty()) {
    state->warning = "the model pools the last token but its tokenizer adds no end-of-text token; adding it";
  }

  const std::int32_t trained = std::max(1, model->trained_context());
  state->max_length = state->config.max_sequence_length.value_or(trained);
  if (state->max_length > trained) {
    add_warning(state->warning, std::format("a maximum length of {} exceeds the model's {} tokens; using {}",
                                            state->max_length, trained, trained));
    state->max_length = trained;
  }
  const std::int32_t specials = model->special_token_count() + (state->appends_eos ? 1 : 0);
  if (state->max_length <= specials) {
    const bool by_model = trained <= specials;
    return fail(by_model ? ErrorCode::InvalidModel : ErrorCode::InvalidArgument,
                std::format("{} of {} leaves no room for text beside the model's {} special tokens",
                            by_model ? "the model's context length" : "a maximum length",
                            by_model ? trained : state->max_length, specials));
  }
  auto tokenizer = internal::TextTokenizer::create(model, {.special = state->config.special_tokens,
                                                           .choice = state->config.tokenizer,
                                                           .max_length = static_cast<std::size_t>(state->max_length),
                                                           .append_eos = state->appends_eos});
  if (!tokenizer) return about(tokenizer.error());
  add_warning(state->warning, tokenizer->warning());
  if (state->dense_layers == DenseLayers::Missing) {
    add_warning(state->warning,
                "the GGUF lacks the two dense layers that EmbeddingGemma ends with, so these are not the published "
                "model's vectors; llama.cpp's converter keeps the sentence-transformers dense modules when asked");
  }
  state->tokenizer = std::move(*tokenizer);
  std::shared_ptr<EmbeddingModel> made(new EmbeddingModel(std::move(state)));
  made->state_->embedder.emplace(*made, made->state_->config.batch_size);
  return made;
}

Result<EmbeddingResult> EmbeddingModel::embed_text(std::string_view text, const std::stop_token& stop) const {
  if (!internal::is_utf8(text)) return fail(ErrorCode::InvalidText, "the text is not valid UTF-8");
  const auto tokenized = tokenize(text);
  if (!tokenized) return std::unexpected(tokenized.error());
  const std::span<const Token> tokens(tokenized->tokens);
  const std::scoped_lock lock(state_->mutex);
  auto rows = state_->embedder->embed(std::span(&tokens, 1), stop);
  if (!rows) return std::unexpected(rows.error());
  if (rows->front().vector.empty()) return std::unexpected(internal::no_finite_vector());
  return EmbeddingResult{.text = std::string(text),
                         .text_hash = md5_hex(text),
                         .embedding = std::move(rows->front().vector),
                         .sequence_length = static_cast<std::uint32_t>(tokens.size()),
                         .processing_time_ms = rows->front().time_ms,
                         .truncated = tokenized->truncated,
                         .row = 0};
}

Result<TokenizedText> EmbeddingModel::tokenize(std::string_view text) const { return (*state_->tokenizer)(text); }
Result<std::size_t> EmbeddingModel::count_tokens(std::string_view text) const { return state_->tokenizer->count(text); }

std::int32_t EmbeddingModel::embedding_dimension() const { return model().embedding_dimension(); }
const EmbeddingConfig& EmbeddingModel::config() const { return state_->config; }
const ModelMetadata& EmbeddingModel::metadata() const { return state_->loaded.metadata; }
const Model& EmbeddingModel::model() const { return *state_->loaded.model; }
std::shared_ptr<const Model> EmbeddingModel::shared_model() const { return state_->loaded.model; }
Pooling EmbeddingModel::pooling() const { return state_->pooling; }
DenseLayers EmbeddingModel::dense_layers() const { return state_->dense_layers; }
std::int32_t EmbeddingModel::max_sequence_length() const { return state_->max_length; }
bool EmbeddingModel::appends_eos() const { return state_->appends_eos; }
const std::string& EmbeddingModel::tokenizer() const { return state_->tokenizer->description(); }
std::string EmbeddingModel::kernels() const { return state_->kernels; }
TokenBudget EmbeddingModel::token_budget() const {
  internal::BudgetChoice choice = budget_tuner(internal::Embedder::texts_per_pass(config().batch_size)).choice();
  return {.tokens = choice.budget, .reason = std::move(choice.reason)};
}
internal::BudgetTuner& EmbeddingModel::budget_tuner(std::int32_t texts_per_pass) const {
  const std::scoped_lock lock(state_->budgets_mutex);
  auto& tuner = state_->budgets[texts_per_pass];
  if (!tuner) tuner = internal::make_budget_tuner(state_->config, state_->loaded, texts_per_pass);
  return *tuner;
}
const std::string& EmbeddingModel::warning() const { return state_->warning; }

}  // namespace llama
