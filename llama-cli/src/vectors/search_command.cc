#include <limits>
#include <memory>

#include "exit_status.h"
#include "vectors/vectors.h"

namespace llama {
namespace {

Flags file_flags(SearchArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "FILE",
       .required = true},
      {.name = "query", .target = &a.query, .help = "What to search for", .value = "TEXT"},
      {.name = "--queries",
       .target = &a.queries,
       .help = "Text file with several queries, one per line; - reads standard input",
       .value = "FILE"},
      {.name = "--like", .target = &a.like, .help = "Instead: rows like this one, counted from 0", .value = "ROW"},
      {.name = "-k,--top",
       .target = &a.top,
       .help = "So many rows for each query",
       .value = "N",
       .shows_default = true},
      {.name = "--where", .target = &a.where, .help = "Rows for which this SQL condition holds", .value = "SQL"},
      {.name = "--column",
       .target = &a.columns,
       .help = "Column of the file that comes along; may be repeated",
       .value = "NAME"},
      {.name = "--index",
       .target = &a.index,
       .help = "Do not look at every row: build an index, keep it beside the file (FILE.hnsw), use it from then on"},
      {.name = "--index-recall",
       .target = &a.index_recall,
       .help = "Least share of the 10 best rows that the index is to find; default: 0.97",
       .value = "SHARE",
       .values = RealRange{0, 1},
       .needs = "--index"},
      {.name = "--vector-column",
       .target = &a.vector_column,
       .help = "Column with the vectors; default: embedding, or the only one that may be one",
       .value = "NAME"},
      {.name = "--text-column",
       .target = &a.text_column,
       .help = "Column with the texts; default: as the file says, or text",
       .value = "NAME"},
      {.name = "-o,--output",
       .target = &a.output,
       .help = "File to write: Parquet, or Arrow where its name ends in .arrow, .feather or .ipc",
       .value = "FILE"},
      {.name = "--force", .target = &a.force, .help = "Replace an existing output"},
      {.name = "--json", .target = &a.json, .help = "Print one JSON object a line"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print results, warnings and errors only"},
  };
}

Flags query_flags(SearchArguments& a) {
  return {
      {.name = "-m,--model",
       .target = &a.loader.model,
       .help = "Model for the query: folder, .gguf file or repository; default: the one that the file names",
       .value = "MODEL"},
      {.name = "--prompt-name",
       .target = &a.prompt_name,
       .help = "The model's own words around the query; default: those that go with the texts'",
       .value = "NAME",
       .excludes = "--prompt"},
      {.name = "--prompt", .target = &a.prompt, .help = "Words around the query, with {text} in them", .value = "TEXT"},
      {.name = "--task",
       .target = &a.task,
       .help = "With --prompt-name of a model with instructions: the instruction",
       .value = "TEXT",
       .needs = "--prompt-name"},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
  };
}

Flags rerank_flags(SearchArguments& a) {
  return {
      {.name = "--rerank",
       .target = &a.reranker,
       .help = "Order the best rows by this model, which reads query and text: folder, .gguf file or repository",
       .value = "MODEL"},
      {.name = "--rerank-top",
       .target = &a.rerank_top,
       .help = "So many of the best rows; default: 10 times --top, at least 100",
       .value = "N",
       .needs = "--rerank"},
  };
}

}  // namespace

Command search_command() {
  const auto arguments = std::make_shared<SearchArguments>();
  Flags flags = file_flags(*arguments);
  flags.append_range(query_flags(*arguments));
  flags.append_range(rerank_flags(*arguments));
  flags.append_range(model_flags(arguments->loader));
  flags.append_range(compute_flags(arguments->loader));
  flags.append_range(cache_flags(arguments->loader));
  return {.name = "search",
          .help = "Find the rows of a file of vectors that are nearest to a query",
          .flags = std::move(flags),
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_search(*arguments, interrupt); }};
}

}  // namespace llama
