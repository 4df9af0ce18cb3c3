#include <unistd.h>

#include <algorithm>
#include <format>

#include "exit_status.h"
#include "llama-core/processor.h"
#include "llama-vectors/vector_search.h"
#include "vectors/query_vectors.h"
#include "vectors/rerank.h"
#include "vectors/search_index.h"
#include "vectors/search_output.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

Step<void> check_arguments(const SearchArguments& a) {
  const int given = (a.query ? 1 : 0) + (a.queries ? 1 : 0) + (a.like ? 1 : 0);
  if (given == 0) return usage_error("there is nothing to search for: a query, --queries FILE or --like ROW");
  if (given > 1) return usage_error("a query, --queries and --like exclude each other");
  if (a.top == 0) return usage_error("--top needs at least one row");
  if (a.rerank_top && *a.rerank_top < a.top)
    return usage_error(
        std::format("--rerank-top {} is fewer than the {} rows that --top asks for", *a.rerank_top, a.top));
  if (a.like && (a.prompt || a.prompt_name)) return usage_error("a row (--like) has its vector, and needs no prompt");
  if (a.loader.model.empty() && (a.loader.filename || a.loader.quant))
    return usage_error("--filename and --quant choose of what --model names");
  return check_index_arguments(a);
}

// Said before the model loads: a column that is not there, a condition with an error.
Step<std::optional<RowSet>> choose_rows(const SearchArguments& arguments, const VectorFile& file,
                                        const FoundColumns& columns, const Interrupt& interrupt) {
  std::vector<std::string> names = columns.kept;
  if (!columns.text.empty()) names.push_back(columns.text);
  if (auto known = file.table().reader(names); !known) return stop_with(known.error(), kUsageError);
  if (arguments.where.empty()) return std::nullopt;
  auto rows = file.table().rows_where(arguments.where, interrupt.token());
  if (!rows) return stop_with(rows.error(), vector_status(rows.error().code));
  return std::optional(std::move(*rows));
}

Step<Result<SearchAnswer>> ask_index(const SearchArguments& arguments, const VectorFile& file,
                                     const SearchQueries& queries, const SearchOptions& options,
                                     const Interrupt& interrupt, const Console& console) {
  const auto index = open_index(arguments, file, interrupt, console);
  if (!index) return std::unexpected(index.error());
  const IndexSearchOptions by_index{.k = options.k,
                                    .breadth = choose_breadth(arguments, *index, console),
                                    .rows = options.rows,
                                    .threads = options.threads};
  return index->search(file, queries.vectors, by_index, interrupt.token());
}

Step<SearchAnswer> search(const SearchArguments& arguments, const VectorFile& file, const SearchQueries& queries,
                          const std::optional<RowSet>& rows, const Interrupt& interrupt, const Console& console) {
  RowsDisplay display(console, "Searching", file.table().rows());
  const std::uint64_t top = rows_wanted(arguments);
  SearchOptions options{.k = static_cast<std::size_t>(std::min(top, file.table().rows())),
                        .rows = rows ? &*rows : nullptr,
                        .threads = arguments.threads > 0 ? arguments.threads : default_threads(),
                        .on_progress = [&](std::uint64_t done) { display.update(done); }};
  if (arguments.like) ++options.k;  // the row itself
  auto asked = arguments.index ? ask_index(arguments, file, queries, options, interrupt, console)
                               : search_vectors(file, queries.vectors, options, interrupt.token());
  display.clear();
  if (!asked) return std::unexpected(asked.error());
  Result<SearchAnswer>& answer = *asked;
  if (!answer) {
    const bool is_query = answer.error().code == ErrorCode::InvalidArgument;
    return stop_with(answer.error(), is_query ? kModelError : vector_status(answer.error().code));
  }
  if (arguments.like) {
    std::vector<SearchHit>& hits = answer->hits.front();
    std::erase_if(hits, [&](const SearchHit& hit) { return hit.row == *arguments.like; });
    if (hits.size() > top) hits.resize(static_cast<std::size_t>(top));
  }
  return std::move(*answer);
}

FoundHits hits_of(const SearchAnswer& answer) {
  FoundHits all;
  for (const auto& hits : answer.hits) {
    all.emplace_back();
    for (const SearchHit& hit : hits) all.back().push_back({.row = hit.row, .score = hit.score});
  }
  return all;
}

void tell_left_out(const SearchAnswer& answer) {
  if (answer.left_out() == 0) return;
  std::string reasons;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) reasons += std::format("{}{} {}", reasons.empty() ? "" : ", ", with_thousands(count), what);
  };
  add(answer.nulls, "without a vector");
  add(answer.other_lengths, "with other dimensions");
  add(answer.non_finite, "with NaN or infinity");
  add(answer.zeros, "all zeros");
  tell("Warning: {} {} left out: {}", with_thousands(answer.left_out()),
       answer.left_out() == 1 ? "row was" : "rows were", reasons);
}

Step<void> show(const SearchArguments& arguments, const VectorFile& file, const SearchQueries& queries,
                const FoundHits& hits, const FoundColumns& columns, const Interrupt& interrupt,
                const Console& console) {
  auto rows = FoundRows::open(file, hits, columns);
  if (!rows) return stop_with(rows.error(), vector_status(rows.error().code));
  if (!arguments.output.empty()) {
    const auto summary = write_found(*rows, columns, queries, arguments, interrupt.token());
    if (!summary) return std::unexpected(summary.error());
    console.line("Output written to: {} ({} rows, {})", arguments.output.string(), with_thousands(summary->rows),
                 format_size(summary->size_bytes));
    return {};
  }
  auto printed = arguments.json ? print_found_json(*rows, columns, queries, interrupt.token())
                                : print_found_table(*rows, columns, queries, interrupt.token());
  if (printed) return {};
  const bool is_output = printed.error().code == ErrorCode::NoSpace || printed.error().code == ErrorCode::Io;
  return stop_with(printed.error(), is_output ? kOutputError : vector_status(printed.error().code));
}

Step<void> run(const SearchArguments& arguments, const Interrupt& interrupt, const Console& console) {
  if (auto checked = check_arguments(arguments); !checked) return checked;
  const auto file = open_vectors(arguments, interrupt);
  if (!file) return std::unexpected(file.error());
  if (auto checked = check_found_output(arguments, *file); !checked) return checked;
  if (!file->odd_files().empty()) {
    return stop_with({ErrorCode::InvalidArgument,
                      file->odd_files().front() + ": their scores cannot be compared; name files that belong together"},
                     kInputError);
  }
  const FoundColumns columns = choose_found_columns(arguments, *file);
  const auto rows = choose_rows(arguments, *file, columns, interrupt);
  if (!rows) return std::unexpected(rows.error());
  if (auto checked = check_rerank(arguments, columns); !checked) return checked;
  const auto queries = find_queries(arguments, *file, interrupt, console);
  if (!queries) return std::unexpected(queries.error());
  auto reranker = load_reranker(arguments, interrupt, console);
  if (!reranker) return std::unexpected(reranker.error());
  const auto answer = search(arguments, *file, *queries, *rows, interrupt, console);
  if (!answer) return std::unexpected(answer.error());
  tell_left_out(*answer);
  if (answer->searched == 0 && !console.quiet)
    tell("Note: no row was searched: {}", file->table().rows() == 0      ? "there is none"
                                          : *rows && (*rows)->count == 0 ? "the condition holds for none"
                                                                         : "none has a vector");
  const auto hits = *reranker ? rerank(**reranker, arguments, *file, *queries, *answer, columns, interrupt, console)
                              : Step<FoundHits>(hits_of(*answer));
  if (!hits) return std::unexpected(hits.error());
  return show(arguments, *file, *queries, *hits, columns, interrupt, console);
}

}  // namespace

int run_search(const SearchArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stdout};
  const auto done = run(arguments, interrupt, console);
  return done ? kDone : tell_failure(done.error(), interrupt);
}

}  // namespace llama
