#include <limits>
#include <memory>

#include "exit_status.h"
#include "vectors/map.h"

namespace llama {
namespace {

constexpr std::string_view kMapStatusHelp =
    "Exit status: 0 done, 2 usage, 3 the file cannot be read or has no vectors, 5 output or disk, 130 interrupted "
    "(143: terminated), 1 anything else.";

Flags map_flags(MapArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "FILE",
       .required = true},
      {.name = "-o,--output",
       .target = &a.output,
       .help = "The page: one HTML file that needs no network",
       .value = "FILE",
       .shows_default = true},
      {.name = "--color-by",
       .target = &a.color_by,
       .help = "Column that gives the colours at first; default: the clusters that are found",
       .value = "COLUMN"},
      {.name = "--sample",
       .target = &a.sample,
       .help = "Show so many rows at most, taken at random",
       .value = "N",
       .values = WholeRange{1, std::numeric_limits<std::int32_t>::max()}},
      {.name = "--neighbors",
       .target = &a.neighbors,
       .help = "Neighbours that hold a point in its place: more show more of the whole, fewer more details",
       .value = "N",
       .values = WholeRange{2, 200},
       .shows_default = true},
      {.name = "--seed",
       .target = &a.seed,
       .help = "Number that all chance comes from: the same one makes the same page",
       .value = "N",
       .shows_default = true},
      {.name = "--title", .target = &a.title, .help = "The page's title; default: the file's name", .value = "TEXT"},
      {.name = "--vector-column",
       .target = &a.vector_column,
       .help = "Column with the vectors; default: embedding, or the only one that may be one",
       .value = "NAME"},
      {.name = "--text-column",
       .target = &a.text_column,
       .help = "Column with the texts; default: as the file says, or text",
       .value = "NAME"},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
      {.name = "--force", .target = &a.force, .help = "Replace an existing file"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print warnings and errors only"},
  };
}

}  // namespace

Command map_command() {
  const auto arguments = std::make_shared<MapArguments>();
  return {.name = "map",
          .help = "Make a page that shows the texts of a file of vectors as points on a map",
          .flags = map_flags(*arguments),
          .footer = kMapStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_map(*arguments, interrupt); }};
}

}  // namespace llama
