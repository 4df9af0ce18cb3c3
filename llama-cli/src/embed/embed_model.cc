#include "embed/embed_model.h"

#include <chrono>
#include <format>

#include "exit_status.h"
#include "load_display.h"
#include "progress.h"

namespace llama {
namespace {

std::string utc_now() {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

EmbeddingConfig make_config(const EmbedArguments& arguments, ModelSource source, const Interrupt& interrupt) {
  EmbeddingConfig config(std::move(source), arguments.batch_size);
  config.normalize_embeddings = arguments.normalize;
  config.max_sequence_length = arguments.max_length;
  if (arguments.pooling) config.pooling = parse_pooling(*arguments.pooling);
  config.special_tokens = arguments.special_tokens == "text" ? SpecialTokens::Text : SpecialTokens::Parse;
  config.tokenizer = arguments.tokenizer == "llama.cpp" ? TokenizerChoice::LlamaCpp : TokenizerChoice::Published;
  config.token_budget = arguments.token_budget;
  config.bf16_copy = !arguments.no_bf16_copy;
  config.threads = arguments.threads;
  config.lanes = arguments.lanes;
  config.stop = interrupt.token();
  return config;
}

void show_details(const EmbeddingModel& model) {
  tell("Tokenizer: {}", model.tokenizer());
  tell("Device: {}", model.model().device());
  tell("Kernels: {}", model.kernels());
  tell("Memory: {} before the model was loaded, {} after", format_size(model.metadata().memory_before_bytes),
       format_size(model.metadata().memory_after_bytes));
}

}  // namespace

TableMetadata provenance(const EmbeddingModel& model) {
  const ModelMetadata& file = model.metadata();
  return {{"llama.model_source", file.source.to_string()},
          {"llama.model_file", file.filename},
          {"llama.model_size_bytes", std::to_string(file.size_bytes)},
          {"llama.model_sha256", file.sha256},
          {"llama.model_commit", file.commit},
          {"llama.architecture", model.model().architecture()},
          {"llama.model_description", model.model().description()},
          {"llama.pooling", std::string(to_string(model.pooling()))},
          {"llama.dense_layers", std::string(to_string(model.dense_layers()))},
          {"llama.dimension", std::to_string(model.embedding_dimension())},
          {"llama.normalized", model.config().normalize_embeddings ? "true" : "false"},
          {"llama.max_length", std::to_string(model.max_sequence_length())},
          {"llama.special_tokens", model.config().special_tokens == SpecialTokens::Parse ? "parse" : "text"},
          {"llama.tokenizer", model.tokenizer()},
          {"llama.kernels", model.kernels()},
          {"llama.program", "llama-cli " LLAMA_CLI_VERSION},
          {"llama.created", utc_now()}};
}

Step<SharedModel> load_embedding_model(const EmbedArguments& arguments, ModelSource source, const Interrupt& interrupt,
                                       const Console& console) {
  EmbeddingConfig config = make_config(arguments, std::move(source), interrupt);
  auto loader = make_loader(arguments.loader, interrupt.token());
  if (!loader) return stop_with(loader.error(), kUsageError);
  auto device = start_compute(arguments.loader);
  if (!device) return stop_with(device.error(), kUsageError);
  config.device = std::move(*device);
  config.on_notice = [terminal = console.terminal](std::string_view line) {
    if (terminal) std::fputs("\r\033[K", stderr);  // over the bar
    show_notice(line);
  };
  config.loader = std::make_shared<const ModelLoader>(std::move(*loader));
  console.line("Loading model: {}", arguments.loader.model);
  const auto started = std::chrono::steady_clock::now();
  LoadDisplay display(console);
  display.watch(config);
  auto model = EmbeddingModel::load(config);
  display.end();
  if (!model) {
    Error error = with_flags(model.error());
    if (error.code == ErrorCode::NoPooling)
      error.message += "; --pooling mean, cls or last embeds with it all the same";
    return stop_with(std::move(error), loader_status(model.error().code));
  }
  console.line("Model loaded successfully in {} ({} dimensions)",
               format_duration(std::chrono::steady_clock::now() - started), (*model)->embedding_dimension());
  if (arguments.debug) show_details(**model);
  if (const std::string& warning = (*model)->warning(); !warning.empty()) {
    const bool guessed = !arguments.pooling && !(*model)->model().pooling();
    tell("Warning: {}{}", warning, guessed ? "; --pooling sets another" : "");
  }
  return *model;
}

}  // namespace llama
