#include "embed/embed.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <string>
#include <system_error>
#include <vector>

#include "console.h"
#include "embed/dry_run.h"
#include "embed/embed_input.h"
#include "embed/embed_manifest.h"
#include "embed/embed_model.h"
#include "embed/embed_output.h"
#include "embed/embed_settings.h"
#include "embed/embed_summary.h"
#include "embed/job_display.h"
#include "embed/output_watch.h"
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
  if (auto checked = check_calibration(arguments.output); !checked) return std::unexpected(checked.error());
  auto input = open_input(arguments, *prompt, interrupt, console);
  if (!input) return std::unexpected(input.error());
  OutputNames names = choose_names(arguments, *input);
  if (auto checked = check_names(names.columns); !checked) return std::unexpected(checked.error());
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kModelError);
  TableOutput output;
  if (!arguments.dry_run) {
    auto chosen = choose_output(arguments, *shard, input->reader->identity(), *source);
    if (!chosen) return std::unexpected(chosen.error());
    output = std::move(*chosen);
  }
  return Prepared{.shard = *shard,
                  .prompt = std::move(*prompt),
                  .model = std::move(*source),
                  .input = std::move(*input),
                  .output = std::move(output),
                  .names = std::move(names)};
}

int job_status(ErrorCode code, bool is_input) {
  if (code == ErrorCode::InvalidArgument || code == ErrorCode::InvalidQuery || code == ErrorCode::Busy)
    return kUsageError;
  if (code == ErrorCode::Network || code == ErrorCode::RateLimited) return kNetworkError;
  if (code == ErrorCode::InvalidText) return kInputError;
  if (is_input && code != ErrorCode::NoSpace && code != ErrorCode::OutOfMemory && code != ErrorCode::Internal)
    return kInputError;
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

// Ends where the output is not finished: what of it is kept, and how it goes on. The same command meets the same text
// again, but not the same full disk.
Error ended_early(Error error, bool is_stream, bool input_failed, std::optional<std::uint64_t> kept,
                  std::optional<std::uint64_t> total) {
  switch (error.code) {
    case ErrorCode::Cancelled:
    case ErrorCode::NoSpace:
    case ErrorCode::Io:
    case ErrorCode::Network:
    case ErrorCode::RateLimited:
    case ErrorCode::OutOfMemory:
      break;
    case ErrorCode::NotFound:
    case ErrorCode::AccessDenied:
      if (input_failed) break;  // a server, an object, a right to read it may be there again later
      return error;
    default:
      return error;
  }
  if (kept.value_or(0) > 0) {
    error.message += std::format("; {}{} rows are done, and the same command goes on from there", with_thousands(*kept),
                                 total ? " of " + with_thousands(*total) : "");
  } else if (error.code == ErrorCode::Cancelled) {
    error.message += is_stream ? "; what was written before is whole" : "; no output was written";
  }
  return error;
}

std::string total_of(const std::optional<std::uint64_t>& rows) { return rows ? with_thousands(*rows) + " " : ""; }

void tell_of_names(const OutputNames& names, const Console& console) {
  for (const auto& [from, to] : names.renamed)
    console.line("Note: the input's column '{}' is written as '{}', beside ours", from, to);
  for (const auto& [first, second] : names.alike)
    console.line(
        "Note: columns '{}' and '{}' differ only in capitals; Spark cannot read such a file, and DuckDB renames one",
        first, second);
}

// Nothing: it is a shard that is done already.
Step<std::optional<JobSummary>> run_job(const EmbedArguments& arguments, Prepared prepared, const SharedModel& model,
                                        const Interrupt& interrupt, const Console& console) {
  auto prompt = choose_prompt(arguments, prepared.prompt, *model);
  if (!prompt) return std::unexpected(prompt.error());
  if (auto allowed = check_dimensions(arguments, *model); !allowed) return std::unexpected(allowed.error());
  EmbedInput& input = prepared.input;
  JobOptions options = job_options(arguments, input, prepared.shard, prepared.names.columns, std::move(*prompt));
  const bool is_plain = is_plain_output(arguments);
  const std::optional<std::uint64_t> most = most_rows(arguments, prepared.shard, *model);
  if (auto fits = check_rows(input, most); !fits) return std::unexpected(fits.error());
  const std::optional<std::uint64_t> total = rows_of_shard(input, options.shard);
  console.line("Processing {}{} with batch size {}...\n", total_of(total), is_plain ? "texts" : "rows",
               arguments.batch_size);

  JobDisplay display(console, input, options.shard, is_plain ? "texts" : "rows");
  std::stop_source stop;
  const std::stop_callback interrupted(interrupt.token(), [&stop] { stop.request_stop(); });
  std::optional<OutputWatch> reader;
  if (arguments.output.path == "-") reader.emplace(STDOUT_FILENO, stop);
  options.stop = stop.get_token();
  options.on_progress = [&](const JobProgress& now) { display.update(now); };
  options.on_resume = [&](std::uint64_t rows) {
    display.go_on_from(rows);
    console.line("Resuming: {}{} rows are done", with_thousands(rows), total ? " of " + with_thousands(*total) : "");
  };
  options.on_failure = [&](std::uint64_t, const Error& error) {
    if (arguments.on_error == "fail") return;  // it comes back as the run's error
    display.warn(error.message + (arguments.on_error == "null" ? "; its vector is null" : "; left out"));
  };
  if (!options.journal && !console.quiet && !is_plain && input.reader->identity().is_repeatable == false)
    console.line("Note: {} cannot be read twice, so an interrupted run begins anew", input.reader->identity().what);

  tell_of_names(prepared.names, console);

  TableOutput output = std::move(prepared.output);
  output.metadata = metadata_of(*model, options, arguments);
  output.stop = options.stop;
  const bool is_shard = options.shard.count > 1;
  ShardManifest manifest;
  if (is_shard) {
    auto planned = plan_manifest(options, input, model->metadata());
    if (!planned) return std::unexpected(planned.error());
    manifest = std::move(*planned);
    const InputIdentity identity = input.reader->identity();
    if (may_be_done(arguments, options.shard, identity)) {
      const auto done = is_done_shard(arguments, manifest, identity, console);
      if (!done) return std::unexpected(done.error());
      return std::nullopt;
    }
    const auto same = check_same_run(arguments.output.path, manifest);
    if (!same && !arguments.output.force) return usage_error(same.error().message + "; --force writes it all the same");
    for (const std::string& odd : same.value_or(std::vector<std::string>())) tell("Warning: {}", odd);
    options.on_written = [&, was_same = same.has_value()](const JobSummary& summary) {
      // Others may have been computed meanwhile.
      if (const auto still = check_same_run(arguments.output.path, manifest); was_same && !still)
        tell("Warning: {}", still.error().message);
      return write_manifest(arguments.output.path, filled_manifest(manifest, summary));
    };
  }
  // Only who has the journal may touch what an interrupted run has left.
  options.on_journal = [&](bool is_new) {
    if (is_new) {
      if (!arguments.output.force) output.existing = ExistingFile::Refuse;
    } else {
      remove_unfinished(output);
    }
  };
  std::optional<std::uint64_t> done_rows;
  options.on_break = [&](std::uint64_t rows) { done_rows = rows; };
  const RowReader* kept = input.reader.get();
  auto watched = std::make_unique<WatchedReader>(std::move(input.reader));
  const auto input_failure = watched->failed();
  bool is_opened = false;
  const OpenWriter open_writer = [&](const std::vector<ColumnSpec>& columns, const TableMetadata& more) {
    output.metadata.append_range(more);
    if (is_shard) {  // its parts go next
      if (auto removed = remove_manifest(arguments.output.path, options.shard); !removed)
        return Result<std::unique_ptr<RowWriter>>(std::unexpected(removed.error()));
    }
    auto writer = open_table_writer(output, kept, columns, prepared.names.renamed);
    is_opened = writer.has_value();
    return writer;
  };
  auto summary = run_embed_job(model, std::move(watched), open_writer, options);
  if (summary) {
    display.finish(is_plain ? summary->embedded + summary->skipped_failed + summary->skipped_long
                            : summary->rows_in - summary->skipped_blank);
    tell_of_rows(summary->rows_out, most);
    return std::move(*summary);
  }
  display.clear();
  if (reader && reader->is_closed() && summary.error().code == ErrorCode::Cancelled)
    return stop_with({ErrorCode::Io, "standard output cannot be written: the program that reads it has ended"},
                     kOutputError);
  // A reader that has failed ahead of what ended the run is not the reason.
  const bool input_failed = input_failure->load() == summary.error().code;
  Error error = ended_early(summary.error(), arguments.output.path == "-", input_failed, done_rows, total);
  std::error_code ignored;
  const bool goes_on = options.journal && std::filesystem::exists(*options.journal, ignored);
  if (is_opened && !goes_on && writes_folder(arguments.output, options.shard))
    error = leave_parts(std::move(error), output);
  return stop_with(std::move(error), job_status(summary.error().code, input_failed));
}

// An interrupted job says itself what is kept of it.
int report(const Failure& failure, const Interrupt& interrupt) {
  const bool is_interrupted = failure.error.code == ErrorCode::Cancelled;
  tell("{}: {}", is_interrupted ? "Interrupted" : "Error", failure.error.message);
  return is_interrupted ? interrupt.exit_status() : failure.status;
}

// The same before the job has begun.
int report_before_job(Failure failure, const Interrupt& interrupt) {
  if (failure.error.code == ErrorCode::Cancelled) failure.error.message += "; no output was written";
  return report(failure, interrupt);
}

}  // namespace

int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt) {
  const bool prints_data = arguments.output.path == "-" || arguments.json;
  const Console console{
      .quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = prints_data ? stderr : stdout};
  if (arguments.debug) set_log_sink(show_log);

  auto prepared = prepare(arguments, interrupt, console);
  if (!prepared) return report_before_job(prepared.error(), interrupt);
  const auto model = load_embedding_model(arguments, prepared->model, interrupt, console);
  if (!model) return report_before_job(model.error(), interrupt);
  if (auto counted = count_rows(prepared->input, interrupt, console); !counted)
    return report_before_job(counted.error(), interrupt);
  const auto started = std::chrono::steady_clock::now();
  if (arguments.dry_run) {
    const auto estimate =
        run_dry(arguments, std::move(prepared->input), prepared->prompt, prepared->shard, *model, interrupt, console);
    return estimate ? kDone : report_before_job(estimate.error(), interrupt);
  }
  const auto summary = run_job(arguments, std::move(*prepared), *model, interrupt, console);
  if (!summary) return report(summary.error(), interrupt);
  if (!*summary) return kDone;
  const Seconds elapsed = std::chrono::steady_clock::now() - started;
  print_summary(console, arguments, **summary, elapsed);
  if (arguments.json) {
    if (auto printed = print_json_summary(arguments, **summary, elapsed); !printed)
      return report({printed.error(), kOutputError}, interrupt);
  }
  if (arguments.debug) {
    const TokenBudget budget = (*model)->token_budget();
    tell("Token budget: {} ({})", budget.tokens, budget.reason);
  }
  return kDone;
}

}  // namespace llama
