#include "embed/embed.h"

#include <unistd.h>

#include <algorithm>
#include <format>

#include "console.h"
#include "embed/dry_run.h"
#include "embed/embed_input.h"
#include "embed/embed_model.h"
#include "embed/embed_output.h"
#include "embed/embed_settings.h"
#include "embed/embed_summary.h"
#include "embed/watched_reader.h"
#include "exit_status.h"
#include "llama-core/log.h"
#include "llama-corpus/shard_check.h"
#include "llama-corpus/shard_manifest.h"
#include "progress.h"

namespace llama {
namespace {

// What a run needs before its model.
struct Prepared {
  Shard shard;
  std::optional<PromptTemplate> prompt;
  ModelSource model;
  EmbedInput input;
  TableOutput output;
  OutputNames names;
};

// Whatever can be known to fail is tried before the model loads.
Step<Prepared> prepare(const EmbedArguments& arguments, const Interrupt& interrupt, const Console& console) {
  if (auto checked = check_arguments(arguments); !checked) return std::unexpected(checked.error());
  auto shard = choose_shard(arguments);
  if (!shard) return std::unexpected(shard.error());
  auto prompt = read_prompt(arguments);
  if (!prompt) return std::unexpected(prompt.error());
  auto input = open_input(arguments, *prompt, interrupt, console);
  if (!input) return std::unexpected(input.error());
  TableOutput output;
  if (!arguments.dry_run) {
    auto chosen = choose_output(arguments, *shard);
    if (!chosen) return std::unexpected(chosen.error());
    output = std::move(*chosen);
  }
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kModelError);
  OutputNames names = choose_names(arguments, *input);
  return Prepared{.shard = *shard,
                  .prompt = std::move(*prompt),
                  .model = std::move(*source),
                  .input = std::move(*input),
                  .output = std::move(output),
                  .names = std::move(names)};
}

int job_status(ErrorCode code, bool is_input) {
  if (code == ErrorCode::InvalidArgument || code == ErrorCode::Busy) return kUsageError;
  if (code == ErrorCode::Network || code == ErrorCode::RateLimited) return kNetworkError;
  if (is_input || code == ErrorCode::InvalidText) return kInputError;
  switch (code) {
    case ErrorCode::InvalidModel:
      return kModelError;
    case ErrorCode::Io:
    case ErrorCode::NoSpace:
    case ErrorCode::NotFound:
    case ErrorCode::Corrupt:
      return kOutputError;
    default:
      return kInternalError;
  }
}

// Shows how far a job is, and what it has to say meanwhile.
class JobDisplay {
 public:
  JobDisplay(const Console& console, const EmbedInput& input)
      : console_(console),
        total_bytes_(input.texts.transform([](const TextCount& count) { return count.bytes; })),
        total_rows_(input.rows),
        progress_(stderr, console.terminal, "Progress", input.rows) {}

  void update(const JobProgress& now) {
    rows_ = now.rows;
    if (console_.quiet) return;
    // A long text is more of the work than a short one.
    const double fraction = total_bytes_  ? share(now.bytes, *total_bytes_)
                            : total_rows_ ? share(now.rows, *total_rows_)
                                          : 0;
    progress_.update(now.rows, fraction);
  }
  void warn(std::string_view line) {
    progress_.clear();
    std::println(stderr, "Warning: {}", line);
  }
  void clear() { progress_.clear(); }
  void finish(std::uint64_t rows) {
    if (!console_.quiet) progress_.finish(rows);
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

 private:
  static double share(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, whole));
  }
  const Console& console_;
  std::optional<std::uint64_t> total_bytes_, total_rows_;
  Progress progress_;
  std::uint64_t rows_ = 0;
};

std::string total_of(const std::optional<std::uint64_t>& rows) { return rows ? with_thousands(*rows) + " " : ""; }

// The metadata of the output: where its vectors come from, and what was read.
TableMetadata metadata_of(const EmbeddingModel& model, const JobOptions& options, const EmbedArguments& arguments) {
  TableMetadata metadata = provenance(model);
  if (options.prompt) metadata.emplace_back("llama.prompt", options.prompt->source());
  if (is_plain_output(arguments)) return metadata;
  metadata.emplace_back("llama.dtype", arguments.output.dtype);
  if (options.vectors.dimensions)
    metadata.emplace_back("llama.dimensions", std::to_string(*options.vectors.dimensions));
  metadata.emplace_back("llama.text_column", options.columns.text);
  metadata.emplace_back("llama.on_long", arguments.on_long);
  if (options.shard.count > 1)
    metadata.emplace_back("llama.shard", std::format("{}/{}", options.shard.index, options.shard.count));
  return metadata;
}

// What the manifest of a whole shard will say, without counts and parts.
ShardManifest plan_manifest(const JobOptions& options, const InputIdentity& input, const EmbeddingModel& model) {
  ShardManifest manifest{.shard = options.shard,
                         .settings = options.settings,
                         .input = input.what,
                         .input_fingerprint = input.content,
                         .model = model.metadata().sha256};
  std::erase_if(manifest.settings, [](const auto& setting) { return setting.first == "--shard"; });
  return manifest;
}

// Beside the shard's parts.
Step<void> tell_of_shard(const EmbedArguments& arguments, ShardManifest manifest, const JobSummary& summary) {
  manifest.counts = {.rows_in = summary.rows_in,
                     .embedded = summary.embedded,
                     .null = summary.null,
                     .skipped = summary.rows_in - summary.embedded - summary.null,
                     .rows_out = summary.rows_out};
  for (const WrittenPart& part : summary.output.parts)
    manifest.parts.push_back({part.path.filename().string(), part.rows, part.size_bytes});
  if (auto written = write_manifest(arguments.output.path, manifest); !written)
    return stop_with(written.error(), kOutputError);
  return {};
}

// A single file has a limit of rows x dimensions, and more than that is known before the night is over.
Step<void> check_rows(const EmbedArguments& arguments, const Prepared& prepared, const EmbeddingModel& model) {
  const OutputArguments& a = arguments.output;
  if (writes_folder(a, prepared.shard) || !prepared.output.max_elements || a.path == "-") return {};
  const auto dimension = static_cast<std::uint64_t>(a.dimensions.value_or(model.embedding_dimension()));
  const std::uint64_t most = *prepared.output.max_elements / (a.dtype == "binary" ? dimension / 8 : dimension);
  if (prepared.input.rows.value_or(0) <= most) return {};
  return usage_error(
      std::format("the input has {} rows, and many readers take no file of more than {} with so many dimensions; "
                  "--split-rows or --split-size writes a folder of parts",
                  with_thousands(*prepared.input.rows), with_thousands(most)));
}

Step<JobSummary> run_job(const EmbedArguments& arguments, Prepared prepared, const SharedModel& model,
                         const Interrupt& interrupt, const Console& console) {
  auto prompt = choose_prompt(arguments, prepared.prompt, *model);
  if (!prompt) return std::unexpected(prompt.error());
  if (auto allowed = check_dimensions(arguments, *model); !allowed) return std::unexpected(allowed.error());
  EmbedInput& input = prepared.input;
  JobOptions options = job_options(arguments, input, prepared.shard, prepared.names.columns, std::move(*prompt));
  const bool is_plain = is_plain_output(arguments);
  if (auto fits = check_rows(arguments, prepared, *model); !fits) return std::unexpected(fits.error());
  console.line("Processing {}{} with batch size {}...\n", total_of(input.rows), is_plain ? "texts" : "rows",
               arguments.batch_size);

  JobDisplay display(console, input);
  options.stop = interrupt.token();
  options.on_progress = [&](const JobProgress& now) { display.update(now); };
  options.on_resume = [&](std::uint64_t rows) {
    console.line("Resuming: {}{} rows are done", with_thousands(rows),
                 input.rows ? " of " + with_thousands(*input.rows) : "");
  };
  options.on_failure = [&](std::uint64_t, const Error& error) {
    if (arguments.on_error == "fail") return;  // it comes back as the run's error
    display.warn(error.message + (arguments.on_error == "null" ? "; its vector is null" : "; left out"));
  };
  if (!options.journal && !console.quiet && !is_plain && input.reader->identity().is_repeatable == false)
    console.line("Note: {} cannot be read twice, so an interrupted run begins anew", input.reader->identity().what);

  TableOutput output = std::move(prepared.output);
  output.metadata = metadata_of(*model, options, arguments);
  const ShardManifest manifest = plan_manifest(options, input.reader->identity(), *model);
  const bool is_shard = options.shard.count > 1;
  if (is_shard) {
    if (auto same = check_same_run(arguments.output.path, manifest); !same && !arguments.output.force)
      return usage_error(same.error().message + "; --force writes it all the same");
    if (auto removed = remove_manifest(arguments.output.path, options.shard); !removed)
      return stop_with(removed.error(), kOutputError);
  }
  const RowReader* kept = input.reader.get();
  auto watched = std::make_unique<WatchedReader>(std::move(input.reader));
  const auto input_failed = watched->failed();
  const OpenWriter open_writer = [&](const std::vector<ColumnSpec>& columns, const TableMetadata& more) {
    output.metadata.append_range(more);
    return open_table_writer(output, kept, columns, prepared.names.renamed);
  };
  auto summary = run_embed_job(model, std::move(watched), open_writer, options);
  if (summary) {
    if (is_shard) {
      if (auto told = tell_of_shard(arguments, manifest, *summary); !told) return std::unexpected(told.error());
    }
    display.finish(is_plain ? summary->embedded + summary->skipped_failed + summary->skipped_long : summary->rows_in);
    return std::move(*summary);
  }
  display.clear();
  Error error = summary.error();
  // A server, an object, a right to read it may be there again later.
  const bool is_away = error.code == ErrorCode::Network || error.code == ErrorCode::NotFound ||
                       error.code == ErrorCode::AccessDenied || error.code == ErrorCode::Io;
  const bool may_go_on = error.code == ErrorCode::Cancelled || (*input_failed && is_away);
  if (may_go_on && options.journal && display.rows() > 0) {
    error.message +=
        std::format("; {}{} rows are done, and the same command goes on from there", with_thousands(display.rows()),
                    input.rows ? " of " + with_thousands(*input.rows) : "");
  } else if (error.code == ErrorCode::Cancelled) {
    error.message += "; no output was written";
  }
  return stop_with(std::move(error), job_status(summary.error().code, *input_failed));
}

int report(const Failure& failure, const Interrupt& interrupt) {
  if (failure.error.code == ErrorCode::Cancelled) {
    const std::string& message = failure.error.message;
    std::println(stderr, "Interrupted: {}{}", message,
                 message.contains("rows are done") || message.contains("no output") ? "" : "; no output was written");
    return interrupt.exit_status();
  }
  std::println(stderr, "Error: {}", failure.error.message);
  return failure.status;
}

}  // namespace

int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt) {
  const bool prints_data = arguments.output.path == "-" || arguments.json;
  const Console console{
      .quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = prints_data ? stderr : stdout};
  if (arguments.debug) set_log_sink(show_log);

  auto prepared = prepare(arguments, interrupt, console);
  if (!prepared) return report(prepared.error(), interrupt);
  const auto model = load_embedding_model(arguments, prepared->model, interrupt, console);
  if (!model) return report(model.error(), interrupt);
  if (auto counted = count_rows(prepared->input, interrupt, console); !counted)
    return report(counted.error(), interrupt);
  const auto started = std::chrono::steady_clock::now();
  if (arguments.dry_run) {
    const auto estimate = run_dry(arguments, std::move(prepared->input), prepared->prompt, *model, interrupt, console);
    return estimate ? kDone : report(estimate.error(), interrupt);
  }
  const auto summary = run_job(arguments, std::move(*prepared), *model, interrupt, console);
  if (!summary) return report(summary.error(), interrupt);
  const Seconds elapsed = std::chrono::steady_clock::now() - started;
  print_summary(console, arguments, *summary, elapsed);
  if (arguments.json) print_json_summary(arguments, *summary, elapsed);
  if (arguments.debug) {
    const TokenBudget budget = (*model)->token_budget();
    std::println(stderr, "Token budget: {} ({})", budget.tokens, budget.reason);
  }
  return kDone;
}

}  // namespace llama
