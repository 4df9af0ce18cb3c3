#include "embed.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <format>
#include <print>

#include "console.h"
#include "exit_status.h"
#include "llama-core/kernels.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_file.h"
#include "load_display.h"
#include "parquet_writer.h"
#include "progress.h"
#include "status_line.h"

namespace llama {
namespace {

using Seconds = std::chrono::duration<double>;

int report(const Failure& failure, const Interrupt& interrupt) {
  if (failure.error.code == ErrorCode::Cancelled) {
    std::println(stderr, "Interrupted: {}; no output was written", failure.error.message);
    return interrupt.exit_status();
  }
  std::println(stderr, "Error: {}", failure.error.message);
  return failure.status;
}

int stream_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::Io:
    case ErrorCode::NotFound:
    case ErrorCode::InvalidText:
      return kInputError;
    case ErrorCode::InvalidModel:
      return kModelError;
    default:
      return kInternalError;
  }
}

std::string utc_now() {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

ParquetWriter::Metadata provenance(const EmbeddingModel& model) {
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
  config.stop = interrupt.token();
  return config;
}

ExistingFile existing_file(const EmbedArguments& arguments) {
  return arguments.force ? ExistingFile::Replace : ExistingFile::Refuse;
}

struct Inputs {
  ModelSource model;
  std::unique_ptr<TextFile> texts;
};

// Whatever can be known to fail is tried before the model loads.
Step<Inputs> open_inputs(const EmbedArguments& arguments) {
  std::error_code ignored;
  if (arguments.input != "-" && std::filesystem::equivalent(arguments.input, arguments.output, ignored)) {
    return stop_with({ErrorCode::InvalidArgument, "the output would replace the input"}, kUsageError);
  }
  auto texts = TextFile::open(arguments.input);
  if (!texts) return stop_with(texts.error(), kInputError);
  if (auto checked = ParquetWriter::check_output(arguments.output, existing_file(arguments)); !checked)
    return stop_with(checked.error(), kOutputError);
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kModelError);
  return Inputs{.model = std::move(*source), .texts = std::move(*texts)};
}

using SharedModel = std::shared_ptr<const EmbeddingModel>;

Step<SharedModel> load_model(const EmbedArguments& arguments, ModelSource source, const Interrupt& interrupt,
                             const Console& console) {
  EmbeddingConfig config = make_config(arguments, std::move(source), interrupt);
  auto loader = make_loader(arguments.loader);
  if (!loader) return stop_with(loader.error(), kUsageError);
  if (auto chosen = choose_kernels(arguments.loader.kernels); !chosen) return stop_with(chosen.error(), kUsageError);
  auto device = make_device(arguments.loader);
  if (!device) return stop_with(device.error(), kUsageError);
  config.device = std::move(*device);
  config.on_notice = [terminal = console.terminal](std::string_view line) {
    if (terminal) std::print(stderr, "\r\033[K");  // over the bar
    show_notice(line);
  };
  config.loader = std::make_shared<const ModelLoader>(std::move(*loader));
  console.line("Loading model: {}", arguments.loader.model);
  const auto started = std::chrono::steady_clock::now();
  LoadDisplay display(console);
  config.on_download = [&](const DownloadProgress& progress) { display.on_download(progress); };
  config.on_message = [&](std::string_view line) { display.on_message(line); };
  config.on_load_progress = [&](double fraction) { display.on_progress(fraction); };
  auto model = EmbeddingModel::load(config);
  display.end();
  if (!model) {
    Error error = model.error();
    if (error.code == ErrorCode::NoPooling)
      error.message += "; --pooling mean, cls or last embeds with it all the same";
    return stop_with(std::move(error), loader_status(model.error().code));
  }
  console.line("Model loaded successfully in {} ({} dimensions)",
               format_duration(std::chrono::steady_clock::now() - started), (*model)->embedding_dimension());
  if (arguments.debug) {
    std::println(stderr, "Tokenizer: {}", (*model)->tokenizer());
    std::println(stderr, "Device: {}", (*model)->model().device());
    std::println(stderr, "Kernels: {}", (*model)->kernels());
    std::println(stderr, "Memory: {} before the model was loaded, {} after",
                 format_size((*model)->metadata().memory_before_bytes),
                 format_size((*model)->metadata().memory_after_bytes));
  }
  if (const std::string& warning = (*model)->warning(); !warning.empty()) {
    const bool guessed = !arguments.pooling && !(*model)->model().pooling();
    std::println(stderr, "Warning: {}{}", warning, guessed ? "; --pooling sets another" : "");
  }
  return *model;
}

struct Run {
  BatchStatistics statistics;
  std::uint64_t output_bytes = 0;
  Seconds elapsed{0};
};

Result<std::optional<TextCount>> count_texts(TextFile& texts, const Interrupt& interrupt, const Console& console) {
  StatusLine line(stderr, console.terminal);
  auto counted = texts.count(interrupt.token(), [&](double fraction) {
    if (!console.quiet && line.is_due())
      line.draw(std::format("Counting the texts: {} ({}%)", bar(fraction), static_cast<int>(fraction * 100)));
  });
  if (!counted) return std::unexpected(counted.error());
  return texts.total();
}

// The model gave no vector at all, although there were texts: more than some of them are wrong.
bool gave_nothing(const BatchStatistics& statistics) { return statistics.texts == 0 && statistics.not_finite > 0; }

Step<Run> embed_texts(const EmbedArguments& arguments, const SharedModel& model, std::unique_ptr<TextFile> texts,
                      const Interrupt& interrupt, const Console& console) {
  const auto total = count_texts(*texts, interrupt, console);
  if (!total) return stop_with(total.error(), kInputError);
  auto writer =
      ParquetWriter::open(arguments.output, model->embedding_dimension(), provenance(*model), existing_file(arguments));
  if (!writer) return stop_with(writer.error(), kOutputError);
  console.line("Processing {}texts with batch size {}...\n", *total ? with_thousands((*total)->texts) + " " : "",
               arguments.batch_size);

  Progress progress(stderr, console.terminal, "Progress",
                    total->transform([](const TextCount& count) { return count.texts; }));
  const double all_bytes = *total ? static_cast<double>(std::max<std::uint64_t>(1, (*total)->bytes)) : 1;
  const bool stop_on_error = arguments.on_error == "fail";
  StreamOptions options;
  options.stop = interrupt.token();
  options.stop_on_error = stop_on_error;
  options.on_progress = [&](const BatchStatistics& s) {
    if (!console.quiet) progress.update(s.texts + s.failed, static_cast<double>(s.bytes) / all_bytes);
  };
  options.on_failure = [&](const TextFailure& failure) {
    if (stop_on_error) return;  // it comes back as the run's error
    progress.clear();
    std::println(stderr, "Warning: {}; left out", failure.error.message);
  };
  const auto processor = BatchProcessor::create(model, arguments.batch_size);
  if (!processor) return stop_with(processor.error(), kUsageError);
  const auto started = std::chrono::steady_clock::now();
  auto stream = processor->process_source(std::move(texts), options);
  if (!stream) return stop_with(stream.error(), kInternalError);
  for (;;) {
    auto result = stream->next();
    if (!result) return stop_with(result.error(), stream_status(result.error().code));
    if (!*result) break;
    if (auto written = writer->write_batch(std::span(&**result, 1)); !written)
      return stop_with(written.error(), kOutputError);
  }
  const BatchStatistics statistics = stream->statistics();
  if (gave_nothing(statistics)) {
    return stop_with({ErrorCode::InvalidModel, std::format("the model gives no finite vector: NaN or infinity for {}",
                                                           statistics.not_finite == 1 ? "the one text" : "every text")},
                     kModelError);
  }
  const auto summary =
      writer->close({{"llama.device", statistics.device.empty() ? model->model().device() : statistics.device}});
  if (!summary) return stop_with(summary.error(), kOutputError);
  if (!console.quiet) progress.finish(statistics.texts + statistics.failed);
  return Run{.statistics = statistics,
             .output_bytes = summary->size_bytes,
             .elapsed = std::chrono::steady_clock::now() - started};
}

void print_summary(const Console& console, const EmbedArguments& arguments, const Run& run) {
  const BatchStatistics& statistics = run.statistics;
  const double seconds = std::max(run.elapsed.count(), 1e-9);
  if (statistics.texts > 0) {
    console.line("Average processing time: {:.1f}ms per text", seconds * 1e3 / static_cast<double>(statistics.texts));
  } else {
    std::println(stderr, "Warning: the input has no texts; the output has no rows");
  }
  console.line("Total embeddings: {}", with_thousands(statistics.texts));
  console.line("Tokens: {} ({} tokens/s)", with_thousands(statistics.tokens),
               with_thousands(static_cast<std::uint64_t>(static_cast<double>(statistics.tokens) / seconds)));
  console.line("Truncated: {}, skipped blank lines: {}, failed: {}", with_thousands(statistics.truncated),
               with_thousands(statistics.skipped), with_thousands(statistics.failed));
  console.line("Output written to: {} ({})", arguments.output.string(), format_size(run.output_bytes));
}

}  // namespace

int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1};
  if (arguments.debug) set_log_sink(show_log);

  auto inputs = open_inputs(arguments);
  if (!inputs) return report(inputs.error(), interrupt);
  const auto model = load_model(arguments, std::move(inputs->model), interrupt, console);
  if (!model) return report(model.error(), interrupt);
  const auto run = embed_texts(arguments, *model, std::move(inputs->texts), interrupt, console);
  if (!run) return report(run.error(), interrupt);
  print_summary(console, arguments, *run);
  if (arguments.debug) {
    const TokenBudget budget = (*model)->token_budget();
    std::println(stderr, "Token budget: {} ({})", budget.tokens, budget.reason);
  }
  return kDone;
}

}  // namespace llama
