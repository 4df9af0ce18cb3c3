#include <memory>

#include "dedup/dedup.h"
#include "exit_status.h"

namespace llama {
namespace {

Flags dedup_flags(DedupArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "FILE",
       .required = true},
      {.name = "--threshold",
       .target = &a.threshold,
       .help = "Least cosine of near-duplicates; default: 0.97",
       .value = "COSINE",
       .values = RealRange{0, 1}},
      {.name = "-o,--output",
       .target = &a.output,
       .help =
           "File to write: Parquet, or Arrow where its name ends in .arrow, .feather or .ipc; else nothing is written",
       .value = "FILE"},
      {.name = "--drop",
       .target = &a.drop,
       .help = "Write the kept rows alone, without columns of ours",
       .needs = "--output"},
      {.name = "--split-rows",
       .target = &a.split_rows,
       .help = "Write a folder of parts of so many rows",
       .value = "ROWS",
       .needs = "--output"},
      {.name = "--force", .target = &a.force, .help = "Replace an existing output"},
      {.name = "--recall",
       .target = &a.recall,
       .help = "Least probability with which a pair at the threshold is found; 1 compares all; default: 0.99",
       .value = "P",
       .values = RealRange{0.01, 1}},
      {.name = "--seed",
       .target = &a.seed,
       .help = "Of the search; the same seed gives the same groups",
       .value = "N",
       .shows_default = true},
      {.name = "--memory",
       .target = &a.memory,
       .help = "Vectors held in memory; more are held in a file beside the output",
       .value = "SIZE",
       .shows_default = true},
      {.name = "--vector-column",
       .target = &a.vector_column,
       .help = "Column with the vectors; default: embedding, or the only one that may be one",
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

}  // namespace

Command dedup_command() {
  const auto arguments = std::make_shared<DedupArguments>();
  return {.name = "dedup",
          .help = "Group the rows of a file of vectors that are nearly the same, and keep one of each group",
          .flags = dedup_flags(*arguments),
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_dedup(*arguments, interrupt); }};
}

}  // namespace llama
