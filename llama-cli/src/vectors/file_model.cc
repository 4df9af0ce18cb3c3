#include "vectors/file_model.h"

#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "exit_status.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_list.h"
#include "load_display.h"

namespace llama {
namespace {

// Nothing is measured for some hundred texts.
constexpr std::int32_t kTokenBudget = 512;

// A model of the hub has a commit. A folder that is gone is not taken for a repository's name.
Step<ModelSource> model_of_file(const VectorFile& file) {
  const Provenance& p = file.provenance();
  const std::string& path = file.table().files().front().path;
  if (!p.names_model())
    return usage_error(std::format("'{}' does not say which model its vectors are of; --model names it", path));
  if (!p.model_commit.empty()) {
    const std::string repo = p.model_source.substr(0, p.model_source.rfind(':'));
    return ModelSource(HuggingFaceSource{.repo = repo, .filename = p.model_file, .revision = p.model_commit});
  }
  const std::filesystem::path folder(p.model_source);
  std::error_code ignored;
  if (std::filesystem::exists(folder / p.model_file, ignored)) return ModelSource(LocalSource{folder, p.model_file});
  return stop_with({ErrorCode::NotFound,
                    std::format("the vectors in '{}' are of the model '{}', which is not in the folder '{}' any more; "
                                "--model says where it is",
                                path, p.model_file, p.model_source)},
                   kModelError);
}

Step<EmbeddingConfig> settings_of_file(const Provenance& p, ModelSource source, const LoaderFlags& loader,
                                       const std::stop_token& stop) {
  EmbeddingConfig config(std::move(source));
  config.normalize_embeddings = p.is_normalized.value_or(false);
  config.max_sequence_length = p.max_length;
  if (const auto pooling = parse_pooling(p.pooling); pooling && *pooling != Pooling::None) config.pooling = pooling;
  if (p.special_tokens == "text") config.special_tokens = SpecialTokens::Text;
  if (p.tokenizer == "llama.cpp") config.tokenizer = TokenizerChoice::LlamaCpp;
  config.bf16_copy = p.kernels.ends_with("bf16 copy");
  config.token_budget = kTokenBudget;
  config.stop = stop;
  auto made = make_loader(loader, stop);
  if (!made) return stop_with(made.error(), kUsageError);
  config.loader = std::make_shared<const ModelLoader>(std::move(*made));
  auto device = start_compute(loader);
  if (!device) return stop_with(device.error(), kUsageError);
  config.device = std::move(*device);
  config.on_notice = show_notice;
  return config;
}

}  // namespace

std::string what_is_other(const Provenance& p, const EmbeddingModel& model) {
  const ModelMetadata& file = model.metadata();
  if (!p.model_sha256.empty() && !file.sha256.empty()) {
    if (p.model_sha256 == file.sha256) return "";
    // Of a split model older versions wrote the first part's digest, and there only the size tells more.
    if (p.model_sha256 != file.first_sha256) return "its digest is another";
  }
  if (p.model_size_bytes && *p.model_size_bytes != file.size_bytes) return "its size is another";
  return "";
}

Step<FileModel> load_file_model(const VectorFile& file, const LoaderFlags& loader, int threads,
                                const Interrupt& interrupt, const Console& console) {
  const bool is_named = !loader.model.empty();
  Step<ModelSource> source = model_of_file(file);
  if (is_named) {
    auto named = make_source(loader);
    if (!named) return stop_with(named.error(), kUsageError);
    source = std::move(*named);
  }
  if (!source) return std::unexpected(source.error());
  auto config = settings_of_file(file.provenance(), std::move(*source), loader, interrupt.token());
  if (!config) return std::unexpected(config.error());
  config->threads = threads;
  LoadDisplay display(console);
  display.watch(*config);
  auto model = EmbeddingModel::load(std::move(*config));
  display.end();
  if (model) return *model;
  Error error = with_flags(model.error());
  if (!is_named && error.code != ErrorCode::Cancelled)
    error.message +=
        std::format(" (the model of the vectors in '{}'; --model names another)", file.table().files().front().path);
  return stop_with(std::move(error), loader_status(model.error().code));
}

std::vector<std::string> texts_of_rows(std::span<const Row> rows, const std::optional<PromptTemplate>& prompt) {
  std::vector<std::string> texts;
  for (const Row& row : rows) {
    if (!row.cells || row.cells->empty()) {
      texts.emplace_back();
      continue;
    }
    const std::string& text = row.cells->front().value_or("");
    texts.push_back(prompt ? prompt->render(text, std::span<const Cell>(*row.cells).subspan(1)) : text);
  }
  return texts;
}

Result<std::vector<Result<std::vector<float>>>> compute_vectors(const FileModel& model,
                                                                const std::vector<std::string>& texts,
                                                                const std::stop_token& stop) {
  const auto processor = BatchProcessor::create(model, model->config().batch_size);
  if (!processor) return std::unexpected(processor.error());
  StreamOptions options;
  options.stop = stop;
  auto stream = processor->process_source(std::make_unique<TextList>(texts), options);
  if (!stream) return std::unexpected(stream.error());
  std::vector<Result<std::vector<float>>> vectors(texts.size());
  for (;;) {
    auto rows = stream->next_rows();
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return vectors;
    for (RowResult& row : *rows) {
      if (row) {
        vectors[row->row] = std::move(row->embedding);
      } else {
        vectors[row.error().row] = std::unexpected(row.error().error);
      }
    }
  }
}

}  // namespace llama
