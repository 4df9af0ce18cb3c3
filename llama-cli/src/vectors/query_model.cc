#include "vectors/query_model.h"

#include <filesystem>
#include <format>
#include <memory>
#include <utility>

#include "exit_status.h"
#include "llama-core/kernels.h"
#include "llama-embedding/batch_processor.h"
#include "load_display.h"
#include "model_names.h"
#include "vectors/query_prompt.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

using SharedEmbeddingModel = std::shared_ptr<const EmbeddingModel>;

std::string name_of_file(const VectorFile& file) { return file.table().files().front().path; }

// A model of the hub has a commit. A folder that is gone is not taken for a repository's name.
Step<ModelSource> source_of_file(const VectorFile& file) {
  const Provenance& p = file.provenance();
  if (!p.names_model())
    return usage_error(
        std::format("'{}' does not say which model its vectors are of; --model names it", name_of_file(file)));
  if (!p.model_commit.empty()) {
    const std::string repo = p.model_source.substr(0, p.model_source.rfind(':'));
    return ModelSource(HuggingFaceSource{.repo = repo, .filename = p.model_file, .revision = p.model_commit});
  }
  const fs::path folder(p.model_source);
  std::error_code ignored;
  if (!fs::exists(folder / p.model_file, ignored)) {
    return stop_with(
        {ErrorCode::NotFound,
         std::format("the vectors in '{}' are of the model '{}', which is not in the folder '{}' any more; "
                     "--model says where it is",
                     name_of_file(file), p.model_file, p.model_source)},
        kModelError);
  }
  return ModelSource(LocalSource{folder, p.model_file});
}

Step<ModelSource> choose_source(const SearchArguments& arguments, const VectorFile& file) {
  if (arguments.loader.model.empty()) return source_of_file(file);
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kUsageError);
  return std::move(*source);
}

Step<EmbeddingConfig> config_of(const SearchArguments& arguments, const VectorFile& file, ModelSource source,
                                const Interrupt& interrupt) {
  const Provenance& p = file.provenance();
  EmbeddingConfig config(std::move(source));
  config.max_sequence_length = p.max_length;
  if (const auto pooling = parse_pooling(p.pooling); pooling && *pooling != Pooling::None) config.pooling = pooling;
  if (p.special_tokens == "text") config.special_tokens = SpecialTokens::Text;
  config.threads = arguments.threads;
  config.stop = interrupt.token();
  auto loader = make_loader(arguments.loader);
  if (!loader) return stop_with(loader.error(), kUsageError);
  config.loader = std::make_shared<const ModelLoader>(std::move(*loader));
  if (auto chosen = choose_kernels(arguments.loader.kernels); !chosen) return stop_with(chosen.error(), kUsageError);
  auto device = make_device(arguments.loader);
  if (!device) return stop_with(device.error(), kUsageError);
  config.device = std::move(*device);
  config.on_notice = show_notice;
  return config;
}

// "" where it may be the same.
std::string what_is_other(const Provenance& p, const ModelMetadata& model) {
  if (!p.model_sha256.empty() && !model.sha256.empty())
    return p.model_sha256 == model.sha256 ? "" : "its digest is another";
  if (p.model_size_bytes && *p.model_size_bytes != model.size_bytes) return "its size is another";
  return "";
}

Step<void> check_model(const SearchArguments& arguments, const VectorFile& file, const EmbeddingModel& model) {
  const Provenance& p = file.provenance();
  const std::int32_t dimension = model.embedding_dimension();
  // Cut vectors are those of the model whose first dimensions they have.
  const bool is_cut = p.dimensions == file.dimension() && dimension >= file.dimension();
  if (dimension != file.dimension() && !is_cut && file.dimension() > 0) {
    return stop_with({ErrorCode::InvalidArgument,
                      std::format("the model '{}' has {} dimensions, and the vectors in '{}' have {}: they are of "
                                  "another model",
                                  model.metadata().filename, dimension, name_of_file(file), file.dimension())},
                     kModelError);
  }
  const std::string other = what_is_other(p, model.metadata());
  if (other.empty()) return {};
  const std::string message = std::format("the model '{}' is not the one that the vectors in '{}' are of: {}",
                                          model.metadata().filename, name_of_file(file), other);
  if (arguments.loader.model.empty())
    return stop_with({ErrorCode::InvalidModel, message + "; --model takes it all the same"}, kModelError);
  tell("Warning: {}", message);
  return {};
}

Step<SharedEmbeddingModel> load_query_model(const SearchArguments& arguments, const VectorFile& file,
                                            const Interrupt& interrupt, const Console& console) {
  auto source = choose_source(arguments, file);
  if (!source) return std::unexpected(source.error());
  auto config = config_of(arguments, file, std::move(*source), interrupt);
  if (!config) return std::unexpected(config.error());
  LoadDisplay display(console);
  config->on_download = [&](const DownloadProgress& progress) { display.on_download(progress); };
  config->on_message = [&](std::string_view line) { display.on_message(line); };
  config->on_load_progress = [&](double fraction) { display.on_progress(fraction); };
  auto model = EmbeddingModel::load(std::move(*config));
  display.end();
  if (!model) {
    Error error = with_flags(model.error());
    if (arguments.loader.model.empty() && error.code != ErrorCode::Cancelled)
      error.message += std::format(" (the model of the vectors in '{}'; --model names another)", name_of_file(file));
    return stop_with(std::move(error), loader_status(model.error().code));
  }
  if (auto checked = check_model(arguments, file, **model); !checked) return std::unexpected(checked.error());
  return *model;
}

Step<std::optional<PromptTemplate>> choose_prompt(const SearchArguments& arguments, const VectorFile& file,
                                                  const EmbeddingModel& model, const Console& console) {
  std::string pattern;
  if (arguments.prompt) {
    pattern = *arguments.prompt;
  } else if (arguments.prompt_name) {
    auto named = named_prompt(names_of(model), *arguments.prompt_name, arguments.task);
    if (!named) return usage_error(named.error().message + " (--prompt)");
    return std::move(*named);
  } else {
    const QueryPrompt chosen =
        choose_query_prompt(file.provenance().prompt, find_prompt_convention(names_of(model), ""));
    if (!chosen.warning.empty()) tell("Warning: {}", chosen.warning);
    if (!chosen.pattern) return std::nullopt;
    if (!console.quiet) tell("Query prompt: \"{}\" ({})", *chosen.pattern, chosen.reason);
    pattern = *chosen.pattern;
  }
  auto prompt = PromptTemplate::parse(pattern);
  if (!prompt) return stop_with(prompt.error(), kUsageError);
  if (!prompt->columns().empty())
    return usage_error(
        std::format("prompt '{}': a query has no column '{}', but {{text}} alone", pattern, prompt->columns().front()));
  return std::move(*prompt);
}

}  // namespace

Step<std::vector<std::vector<float>>> embed_queries(const SearchArguments& arguments, const VectorFile& file,
                                                    const std::vector<std::string>& queries, const Interrupt& interrupt,
                                                    const Console& console) {
  const auto model = load_query_model(arguments, file, interrupt, console);
  if (!model) return std::unexpected(model.error());
  const auto prompt = choose_prompt(arguments, file, **model, console);
  if (!prompt) return std::unexpected(prompt.error());
  std::vector<std::string> texts;
  for (const std::string& query : queries) texts.push_back(*prompt ? (*prompt)->render(query, {}) : query);
  auto processor = BatchProcessor::create(*model, (*model)->config().batch_size);
  if (!processor) return stop_with(processor.error(), kInternalError);
  auto results = processor->process_batch(texts, interrupt.token());
  if (!results) {
    const bool is_text = results.error().code == ErrorCode::InvalidText;
    return stop_with({results.error().code, "the query cannot be embedded: " + results.error().message},
                     is_text ? kInputError : kModelError);
  }
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < results->size(); ++i) {
    EmbeddingResult& result = (*results)[i];
    if (result.truncated)
      tell("Warning: query {} is longer than {} tokens, and its end is left out", i + 1,
           (*model)->max_sequence_length());
    result.embedding.resize(
        static_cast<std::size_t>(file.dimension() > 0 ? file.dimension() : (*model)->embedding_dimension()));
    vectors.push_back(std::move(result.embedding));
  }
  return vectors;
}

}  // namespace llama
