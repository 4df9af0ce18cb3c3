#include <limits>
#include <memory>

#include "exit_status.h"
#include "vectors/vectors.h"

namespace llama {
namespace {

constexpr std::string_view kInspectStatusHelp =
    "Exit status: 0 done, 2 usage, 3 the file cannot be read, or with --check a fault was found in it, 5 output, 130 "
    "interrupted (143: terminated), 1 anything else.";

Flags inspect_flags(InspectArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "FILE",
       .required = true},
      {.name = "--vector-column",
       .target = &a.vector_column,
       .help = "Column with the vectors; default: embedding, or the only one that may be one",
       .value = "NAME"},
      {.name = "--text-column",
       .target = &a.text_column,
       .help = "Column with the texts; default: as the file says, or text",
       .value = "NAME"},
      {.name = "--sample",
       .target = &a.sample,
       .help = "Rows whose similarities are computed, each with each",
       .value = "N",
       .values = WholeRange{0, 50'000},
       .shows_default = true},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
      {.name = "--check", .target = &a.check, .help = "End with exit status 3 where a fault was found"},
      {.name = "--json", .target = &a.json, .help = "Print one JSON object"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print warnings and errors only"},
  };
}

}  // namespace

Command inspect_command() {
  const auto arguments = std::make_shared<InspectArguments>();
  return {.name = "inspect",
          .help = "Say what is in a file of vectors, where they come from, and what is wrong with them",
          .flags = inspect_flags(*arguments),
          .footer = kInspectStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_inspect(*arguments, interrupt); }};
}

}  // namespace llama
