#include <unistd.h>

#include <algorithm>
#include <format>

#include "exit_status.h"
#include "llama-core/processor.h"
#include "llama-vectors/inspection.h"
#include "tools/shown_text.h"
#include "vectors/inspect_report.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

constexpr std::size_t kShownBytes = 60;

// Two texts with one vector say more than their number.
void show_examples(const VectorFile& file, const Inspection& inspection) {
  std::vector<std::uint64_t> rows;
  for (const auto& [row, other] : inspection.shared.examples) rows.insert(rows.end(), {row, other});
  if (rows.empty()) return;
  auto reader = file.table().rows_at(rows, {.cells = {inspection.text_column}, .keep = {}});
  if (!reader) return;
  const auto batch = (*reader)->next({});
  for (std::size_t i = 0; batch && i + 1 < batch->rows.size(); i += 2) {
    const auto text = [&](const Row& row) {
      return row.cells ? shown(row.cells->front().value_or(""), kShownBytes) : std::string("(not UTF-8)");
    };
    const Row& a = batch->rows[i];
    const Row& b = batch->rows[i + 1];
    tell("  row {}: {}\n  row {}: {}", a.number, text(a), b.number, text(b));
  }
}

}  // namespace

int run_inspect(const InspectArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto file = open_vectors(arguments, interrupt);
  if (!file) return tell_failure(file.error(), interrupt);
  RowsDisplay display(console, "Reading", file->table().rows());
  InspectOptions options{.text_column = arguments.text_column,
                         .sample = static_cast<std::size_t>(arguments.sample),
                         .threads = arguments.threads > 0 ? arguments.threads : default_threads(),
                         .on_progress = [&](std::uint64_t rows) { display.update(rows); }};
  const auto inspection = inspect_vectors(*file, options, interrupt.token());
  display.clear();
  if (!inspection) return tell_failure({inspection.error(), vector_status(inspection.error().code)}, interrupt);
  const std::vector<Finding> findings = findings_of(*inspection, *file);
  if (arguments.json) {
    if (auto printed = print_result(json_of_inspection(*file, *inspection, findings)); !printed)
      return tell_failure({printed.error(), kOutputError}, interrupt);
  } else {
    bool is_cut = false;
    Console report = console;
    report.is_cut = &is_cut;
    print_inspection(report, *file, *inspection);
    if (is_cut) return tell_failure(cut_off(), interrupt);
    for (const Finding& finding : findings) {
      tell("{}: {}", finding.is_fault ? "Warning" : "Note", finding.message);
      if (finding.kind == FindingKind::SharedVectors) show_examples(*file, *inspection);
    }
  }
  const bool is_faulty = std::ranges::any_of(findings, &Finding::is_fault);
  return arguments.check && is_faulty ? kInputError : kDone;
}

}  // namespace llama
