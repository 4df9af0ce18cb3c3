#include "dedup/dedup.h"

#include <unistd.h>

#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <system_error>

#include "dedup/dedup_output.h"
#include "embed/embed_arguments.h"
#include "exit_status.h"
#include "llama-core/processor.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

// 0.97 as it was typed, not the float next to it.
double as_typed(float number) {
  const std::string text = std::format("{}", number);
  double typed = number;
  std::from_chars(text.data(), text.data() + text.size(), typed);
  return typed;
}

Step<DuplicateOptions> options_of(const DedupArguments& arguments) {
  DuplicateOptions options;
  if (arguments.threshold) options.threshold = as_typed(*arguments.threshold);
  if (options.threshold <= 0) return usage_error("--threshold is a cosine above 0");
  if (arguments.recall && *arguments.recall >= 1) {
    options.plan = HashPlan{};
  } else if (arguments.recall) {
    options.recall = as_typed(*arguments.recall);
  }
  const auto memory = parse_size(arguments.memory);
  if (!memory) return usage_error("--memory: " + memory.error().message);
  options.vector_bytes = *memory;
  std::error_code ignored;
  options.scratch_folder = arguments.output.empty()             ? std::filesystem::temp_directory_path(ignored)
                           : arguments.output.has_parent_path() ? arguments.output.parent_path()
                                                                : std::filesystem::path(".");
  options.seed = arguments.seed;
  options.threads = arguments.threads > 0 ? arguments.threads : default_threads();
  return options;
}

std::string search_in_words(const DuplicateGroups& found, double threshold) {
  if (found.plan.bits == 0) return "every row was compared with every other";
  return std::format("a pair at {} is found with probability {:.3f} ({} tables of {} bits), a nearer one more often",
                     threshold, found.recall, found.plan.tables, found.plan.bits);
}

void print_groups(const Console& console, const DuplicateGroups& found, double threshold) {
  const std::uint64_t rows = found.group.size();
  console.line("Rows: {}; {} are near another ({} groups, the largest of {}), {} are kept", with_thousands(rows),
               with_thousands(found.duplicates + found.groups), with_thousands(found.groups),
               with_thousands(found.largest), with_thousands(rows - found.duplicates));
  if (found.equal > 0)
    console.line("  {} have a vector that is the same as an earlier one's", with_thousands(found.equal));
  if (found.without_vector > 0)
    console.line("  {} have no vector, or one of zeros or NaN: they are kept", with_thousands(found.without_vector));
  console.line("Search: cosine of at least {}; {}", threshold, search_in_words(found, threshold));
  console.line(
      "  memory {}{}", format_size(found.memory_bytes),
      found.scratch_bytes > 0 ? std::format(", vectors in a file of {}", format_size(found.scratch_bytes)) : "");
}

std::string json_of_groups(const DedupArguments& arguments, const DuplicateGroups& found, double threshold,
                           const std::optional<TableSummary>& output) {
  const std::uint64_t rows = found.group.size();
  Json whole = {{"rows", rows},
                {"kept", rows - found.duplicates},
                {"duplicates", found.duplicates},
                {"groups", found.groups},
                {"largest", found.largest},
                {"equal", found.equal},
                {"without_vector", found.without_vector},
                {"threshold", threshold},
                {"bits", found.plan.bits},
                {"tables", found.plan.tables},
                {"recall", found.recall},
                {"memory_bytes", found.memory_bytes},
                {"scratch_bytes", found.scratch_bytes},
                {"output", output ? Json(arguments.output.string()) : Json(nullptr)},
                {"rows_out", output ? Json(output->rows) : Json(nullptr)}};
  return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Step<void> deduplicate(const DedupArguments& arguments, const Interrupt& interrupt, const Console& console) {
  auto options = options_of(arguments);
  if (!options) return std::unexpected(options.error());
  const auto file = open_vectors(arguments, interrupt);
  if (!file) return std::unexpected(file.error());
  if (auto checked = check_one_model(*file); !checked) return checked;
  if (auto checked = check_dedup_output(arguments, *file); !checked) return checked;
  RowsDisplay reading(console, "Reading", file->table().rows());
  options->on_rows = [&](std::uint64_t rows) { reading.update(rows); };
  Progress searching(stderr, console.terminal, "Searching", std::nullopt, "tables");
  options->on_table = [&](int done, int tables) {
    reading.clear();
    if (!console.quiet) searching.update(static_cast<std::uint64_t>(done), static_cast<double>(done) / tables);
  };
  const auto found = find_duplicates(*file, *options, interrupt.token());
  reading.clear();
  searching.clear();
  if (!found) {
    const bool is_disk = found.error().code == ErrorCode::NoSpace;
    return stop_with(found.error(), is_disk ? kOutputError : vector_status(found.error().code));
  }
  std::optional<TableSummary> summary;
  if (!arguments.output.empty()) {
    auto written = write_groups(arguments, *file, *found, interrupt);
    if (!written) return std::unexpected(written.error());
    summary = std::move(*written);
  }
  if (arguments.json) {
    if (auto printed = print_result(json_of_groups(arguments, *found, options->threshold, summary)); !printed)
      return stop_with(printed.error(), kOutputError);
    return {};
  }
  bool is_cut = false;  // where nothing is written, what is printed is all
  Console report = console;
  report.is_cut = &is_cut;
  print_groups(report, *found, options->threshold);
  if (is_cut && !summary) return std::unexpected(cut_off());
  if (summary)
    console.line("Output written to: {} ({} rows, {})", arguments.output.string(), with_thousands(summary->rows),
                 format_size(summary->size_bytes));
  return {};
}

}  // namespace

int run_dedup(const DedupArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto done = deduplicate(arguments, interrupt, console);
  return done ? kDone : tell_failure(done.error(), interrupt);
}

}  // namespace llama
