#include "embed.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <format>
#include <print>

#include "exit_status.h"
#include "llama-core/log.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/line_reader.h"
#include "parquet_writer.h"
#include "progress.h"

namespace llama {
namespace {

using Seconds = std::chrono::duration<double>;

int report(const Error& error, int status, const Interrupt& interrupt) {
  if (error.code == ErrorCode::Cancelled) {
    std::println(stderr, "Interrupted: no output was written");
    return interrupt.exit_status();
  }
  std::println(stderr, "Error: {}", error.message);
  return status;
}

int stream_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::Io:
    case ErrorCode::NotFound:
    case ErrorCode::InvalidText: return kInputError;
    default: return kInternalError;
  }
}

void show_log(LogLevel level, std::string_view line) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  std::println(stderr, "[llama.cpp {}] {}", kNames[static_cast<int>(level)], line);
}

std::string utc_now() {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

ParquetWriter::Metadata provenance(const EmbeddingModel& model) {
  const ModelMetadata& file = model.metadata();
  return {{"llama.model_source", file.source.to_string()},
          {"llama.model_file", file.filename},
          {"llama.model_size_bytes", std::to_string(file.size_bytes)},
          {"llama.architecture", model.model().architecture()},
          {"llama.model_description", model.model().description()},
          {"llama.pooling", std::string(to_string(model.pooling()))},
          {"llama.dimension", std::to_string(model.embedding_dimension())},
          {"llama.normalized", model.config().normalize_embeddings ? "true" : "false"},
          {"llama.max_length", std::to_string(model.max_sequence_length())},
          {"llama.special_tokens", model.config().special_tokens == SpecialTokens::Parse ? "parse" : "text"},
          {"llama.program", "llama-cli " LLAMA_CLI_VERSION},
          {"llama.created", utc_now()}};
}

struct Console {
  bool quiet;
  template <class... A>
  void line(std::format_string<A...> format, A&&... arguments) const {
    if (quiet) return;
    std::println(stdout, format, std::forward<A>(arguments)...);
    std::fflush(stdout);
  }
};

Result<EmbeddingConfig> make_config(const EmbedArguments& arguments, ModelSource source, const Interrupt& interrupt) {
  EmbeddingConfig config(std::move(source), arguments.batch_size);
  config.normalize_embeddings = arguments.normalize;
  config.max_sequence_length = arguments.max_length;
  if (arguments.pooling) config.pooling = parse_pooling(*arguments.pooling);
  config.special_tokens = arguments.special_tokens == "text" ? SpecialTokens::Text : SpecialTokens::Parse;
  config.threads = arguments.threads;
  config.debug = arguments.debug;
  config.stop = interrupt.token();
  return config;
}

void print_summary(const Console& console, const BatchStatistics& statistics, Seconds elapsed) {
  const double seconds = std::max(elapsed.count(), 1e-9);
  if (statistics.texts > 0) {
    console.line("Average processing time: {:.1f}ms per text", seconds * 1e3 / static_cast<double>(statistics.texts));
  }
  console.line("Total embeddings: {}", with_thousands(statistics.texts));
  console.line("Tokens: {} ({} tokens/s)", with_thousands(statistics.tokens),
               with_thousands(static_cast<std::uint64_t>(static_cast<double>(statistics.tokens) / seconds)));
  console.line("Truncated: {}, skipped blank lines: {}, failed: {}", with_thousands(statistics.truncated),
               with_thousands(statistics.skipped), with_thousands(statistics.failed));
}

}  // namespace

int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt) {
  const Console console{arguments.quiet};
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (arguments.debug) set_log_sink(show_log);

  // Everything that can be known to fail is tried before the model loads.
  std::error_code ignored;
  if (arguments.input != "-" && std::filesystem::equivalent(arguments.input, arguments.output, ignored)) {
    return report({ErrorCode::InvalidArgument, "the output would replace the input"}, kUsageError, interrupt);
  }
  const ExistingFile existing = arguments.force ? ExistingFile::Replace : ExistingFile::Refuse;
  if (auto opened = LineReader::open(arguments.input); !opened) return report(opened.error(), kInputError, interrupt);
  if (auto checked = ParquetWriter::check_output(arguments.output, existing); !checked) return report(checked.error(), kOutputError, interrupt);
  const auto source = ModelSource::parse(arguments.model, arguments.filename);
  if (!source) return report(source.error(), kModelError, interrupt);

  const auto config = make_config(arguments, *source, interrupt);
  if (!config) return report(config.error(), kUsageError, interrupt);
  console.line("Loading model: {}", arguments.model);
  const auto load_started = std::chrono::steady_clock::now();
  const auto model = EmbeddingModel::load(*config);
  if (!model) return report(model.error(), model.error().code == ErrorCode::InvalidArgument ? kUsageError : kModelError, interrupt);
  const Seconds load_time = std::chrono::steady_clock::now() - load_started;
  console.line("Model loaded successfully in {} ({} dimensions)", format_duration(load_time), (*model)->embedding_dimension());
  if (!(*model)->warning().empty()) std::println(stderr, "Warning: {}", (*model)->warning());

  const auto total = count_texts(arguments.input);
  if (!total) return report(total.error(), kInputError, interrupt);
  auto writer = ParquetWriter::open(arguments.output, (*model)->embedding_dimension(), provenance(**model), existing);
  if (!writer) return report(writer.error(), kOutputError, interrupt);
  if (*total) {
    console.line("Processing {} texts with batch size {}...", with_thousands(**total), arguments.batch_size);
  } else {
    console.line("Processing texts with batch size {}...", arguments.batch_size);
  }
  console.line("");

  Progress progress(stderr, terminal, *total);
  StreamOptions options;
  options.stop = interrupt.token();
  options.stop_on_error = arguments.on_error == "fail";
  options.on_progress = [&](const BatchStatistics& s) {
    if (!arguments.quiet) progress.update(s.texts + s.failed);
  };
  options.on_failure = [&](const TextFailure& failure) {
    if (options.stop_on_error) return;
    progress.clear();
    std::println(stderr, "Warning: {}; left out", failure.error.message);
  };
  const auto processor = BatchProcessor::create(*model, arguments.batch_size);
  if (!processor) return report(processor.error(), kUsageError, interrupt);
  const auto started = std::chrono::steady_clock::now();
  auto stream = processor->process_file(arguments.input, options);
  if (!stream) return report(stream.error(), kInputError, interrupt);
  for (;;) {
    auto result = stream->next();
    if (!result) {
      progress.clear();
      return report(result.error(), stream_status(result.error().code), interrupt);
    }
    if (!*result) break;
    if (auto written = writer->write_batch(std::span(&**result, 1)); !written) {
      progress.clear();
      return report(written.error(), kOutputError, interrupt);
    }
  }
  const auto summary = writer->close();
  if (!summary) {
    progress.clear();
    return report(summary.error(), kOutputError, interrupt);
  }
  const BatchStatistics& statistics = stream->statistics();
  if (!arguments.quiet) progress.finish(statistics.texts + statistics.failed);
  if (statistics.texts == 0) std::println(stderr, "Warning: the input has no texts; the output has no rows");
  print_summary(console, statistics, std::chrono::steady_clock::now() - started);
  console.line("Output written to: {} ({})", arguments.output.string(), format_size(summary->size_bytes));
  return kDone;
}

}  // namespace llama
