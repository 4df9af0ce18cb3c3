#include <unistd.h>

#include <algorithm>
#include <memory>

#include "compare/compare.h"
#include "exit_status.h"
#include "llama-core/processor.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

Flags compare_flags(CompareArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "A",
       .required = true},
      {.name = "other", .target = &a.other, .help = "Another, over the same texts", .value = "B", .required = true},
      {.name = "--sample",
       .target = &a.sample,
       .help = "Texts whose neighbours are compared, each with each",
       .value = "N",
       .values = WholeRange{0, 5'000},
       .shows_default = true},
      {.name = "--seed", .target = &a.seed, .help = "Of the sample", .value = "N", .shows_default = true},
      {.name = "-k,--neighbours",
       .target = &a.neighbours,
       .help = "Nearest texts of each that are compared",
       .value = "K",
       .values = WholeRange{1, 1'000},
       .shows_default = true},
      {.name = "--moved",
       .target = &a.moved,
       .help = "So many of the texts that moved most are shown",
       .value = "N",
       .values = WholeRange{0, 10'000},
       .shows_default = true},
      {.name = "--vector-column",
       .target = &a.vector_column,
       .help = "Column with the vectors in both; default: embedding, or the only one that may be one",
       .value = "NAME"},
      {.name = "--text-column",
       .target = &a.text_column,
       .help = "Match by the texts of this column; default: by text_hash, else as the files say",
       .value = "NAME"},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
      {.name = "--json", .target = &a.json, .help = "Print one JSON object"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print warnings and errors only"},
  };
}

// Of the rows that moved; a text that is no UTF-8, or a file without texts, has "".
std::vector<std::string> texts_of(const VectorFile& file, const std::vector<MovedText>& moved,
                                  const std::optional<std::string>& column, const std::stop_token& stop) {
  std::vector<std::string> texts(moved.size());
  const std::string& name = column ? *column : file.text_column();
  if (name.empty() || moved.empty()) return texts;
  std::vector<std::uint64_t> rows;
  for (const MovedText& one : moved) rows.push_back(one.row_a);
  auto reader = file.table().rows_at(rows, {.cells = {name}, .keep = {}});
  for (std::size_t at = 0; reader && at < rows.size();) {
    auto batch = (*reader)->next(stop);
    if (!batch) break;
    for (Row& row : batch->rows) {
      if (row.cells) texts[at] = row.cells->front().value_or("");
      ++at;
    }
    if (batch->state == RowState::End) break;
  }
  return texts;
}

}  // namespace

int run_compare(const CompareArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto a = open_vectors(arguments, interrupt);
  if (!a) return tell_failure(a.error(), interrupt);
  VectorArguments second = arguments;
  second.file = arguments.other;
  const auto b = open_vectors(second, interrupt);
  if (!b) return tell_failure(b.error(), interrupt);
  for (const VectorFile* file : {&*a, &*b})
    if (auto checked = check_one_model(*file); !checked) return tell_failure(checked.error(), interrupt);
  RowsDisplay display(console, "Comparing", std::min(a->table().rows(), b->table().rows()));
  CompareOptions options;
  options.text_column = arguments.text_column;
  options.sample = static_cast<std::size_t>(arguments.sample);
  options.seed = arguments.seed;
  options.k = static_cast<std::size_t>(arguments.neighbours);
  options.max_moved = static_cast<std::size_t>(arguments.moved);
  options.threads = arguments.threads > 0 ? arguments.threads : default_threads();
  options.on_progress = [&](std::uint64_t texts) { display.update(texts); };
  auto found = compare_files(*a, *b, options, interrupt.token());
  display.clear();
  if (!found) return tell_failure({found.error(), vector_status(found.error().code)}, interrupt);
  CompareResult result{.differences = provenance_differences(*a, *b), .found = std::move(*found), .texts = {}};
  result.texts = texts_of(*a, result.found.moved, arguments.text_column, interrupt.token());
  if (!arguments.json) {
    bool is_cut = false;
    Console report = console;
    report.is_cut = &is_cut;
    print_comparison(report, result);
    if (is_cut) return tell_failure(cut_off(), interrupt);
  } else if (auto printed = print_result(json_of_comparison(result)); !printed) {
    return tell_failure({printed.error(), kOutputError}, interrupt);
  }
  if (result.found.in_both == 0) tell("Warning: the files have no text in common");
  return kDone;
}

Command compare_command() {
  const auto arguments = std::make_shared<CompareArguments>();
  return {.name = "compare",
          .help = "Compare two files of vectors over the same texts: another model, quantization or prompt",
          .flags = compare_flags(*arguments),
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_compare(*arguments, interrupt); }};
}

}  // namespace llama
