#include <limits>
#include <memory>

#include "embed/embed.h"
#include "exit_status.h"

namespace llama {
namespace {

constexpr WholeRange kAtLeastOne{1, std::numeric_limits<std::int32_t>::max()};

Flags input_flags(InputArguments& a) {
  return {
      {.name = "-i,--input",
       .target = &a.paths,
       .help = "Text file (one text per line, UTF-8), CSV, TSV, JSON, JSONL, Parquet, Arrow; also .gz and .zst, globs, "
               "folders, https://, s3://, hf://datasets/ORG/NAME/PATH; - reads standard input; several are read one "
               "after the other",
       .value = "FILE",
       .takes_several = true},
      {.name = "--query",
       .target = &a.query,
       .help = "Instead of --input: a SELECT over files and databases, in DuckDB's SQL",
       .value = "SQL",
       .excludes = "--input"},
      {.name = "--attach",
       .target = &a.attach,
       .help =
           "Database for --query, only read: postgres:host=… dbname=…, mysql:host=… database=…, a file of SQLite or "
           "DuckDB; NAME= before it names it; may be repeated",
       .value = "DATABASE",
       .needs = "--query"},
      {.name = "--input-format",
       .target = &a.format,
       .help = "Of the input, where its name and content do not tell",
       .value = "KIND",
       .values = Choices{"text", "csv", "tsv", "json", "jsonl", "parquet", "arrow", "feather"}},
      {.name = "--column",
       .target = &a.columns,
       .help = "Column with the texts; repeated: several, joined by --join",
       .value = "NAME"},
      {.name = "--join", .target = &a.join, .help = "Between joined columns; default: a space", .value = "TEXT"},
      {.name = "--id",
       .target = &a.id,
       .help = "Column that identifies a row; kept whatever --keep says",
       .value = "NAME"},
      {.name = "--keep",
       .target = &a.keep,
       .help = "Columns that go along into the output: NAME,NAME,…, all or none; default: all",
       .value = "COLUMNS"},
      {.name = "--where", .target = &a.where, .help = "Rows for which this SQL condition holds", .value = "SQL"},
      {.name = "--limit", .target = &a.limit, .help = "At most so many rows", .value = "N"},
  };
}

Flags output_flags(OutputArguments& a) {
  return {
      {.name = "-o,--output",
       .target = &a.path,
       .help = "File to write; a folder with --split-rows or --split-size; - is standard output (Arrow stream)",
       .value = "FILE"},
      {.name = "--output-format",
       .target = &a.format,
       .help = "Default: by the output's name: .parquet, .arrow or .feather, - for a stream",
       .value = "KIND",
       .values = Choices{"parquet", "arrow", "feather"}},
      {.name = "--split-rows",
       .target = &a.split_rows,
       .help = "Write a folder of parts of so many rows",
       .value = "N"},
      {.name = "--split-size",
       .target = &a.split_size,
       .help = "Write a folder of parts of about this size",
       .value = "SIZE"},
      {.name = "--dtype",
       .target = &a.dtype,
       .help = "Of the vectors' values; binary: one bit each, eight to a byte",
       .value = "KIND",
       .values = Choices{"float32", "float16", "int8", "binary"},
       .shows_default = true},
      {.name = "--calibration",
       .target = &a.calibration,
       .help = "Text file to take the scales of --dtype int8 from; default: the first texts",
       .value = "FILE"},
      {.name = "--dimensions",
       .target = &a.dimensions,
       .help = "Keep the first N dimensions, scaled to length 1 again",
       .value = "N",
       .values = kAtLeastOne},
      {.name = "--force-dimensions",
       .target = &a.force_dimensions,
       .help = "Also of a model that was not trained for it",
       .needs = "--dimensions"},
      {.name = "--compression",
       .target = &a.compression,
       .help = "Of the output; default: zstd for Parquet, none for Arrow",
       .value = "KIND",
       .values = Choices{"zstd", "snappy", "gzip", "lz4", "none"}},
      {.name = "--row-group",
       .target = &a.row_group,
       .help = "Most rows of a Parquet row group",
       .value = "N",
       .values = WholeRange{1, 1'000'000},
       .shows_default = true},
      {.name = "--text-as", .target = &a.text_as, .help = "Name of the text's column in the output", .value = "NAME"},
      {.name = "--with",
       .target = &a.with,
       .help = "Write a column more; may be repeated",
       .value = "COLUMN",
       .values = Choices{"token_count", "truncated", "error", "row"}},
      {.name = "--force", .target = &a.force, .help = "Replace an existing output"},
  };
}

Flags text_flags(EmbedArguments& a) {
  return {
      {.name = "--prompt-name",
       .target = &a.prompt_name,
       .help = "The model's own words around each text: query, document, or another that the model knows",
       .value = "NAME",
       .excludes = "--prompt"},
      {.name = "--prompt",
       .target = &a.prompt,
       .help = "What the model reads: words with {text} and {COLUMN} in it; the text that is written stays as it is",
       .value = "TEXT"},
      {.name = "--task",
       .target = &a.task,
       .help = "With --prompt-name of a model with instructions: the instruction",
       .value = "TEXT",
       .needs = "--prompt-name"},
      {.name = "--max-length",
       .target = &a.max_length,
       .help = "Tokens after which a text is cut; default: the model's trained context",
       .value = "TOKENS",
       .values = kAtLeastOne},
      {.name = "--on-long",
       .target = &a.on_long,
       .help = "A longer text: cut it, count it as an error, leave it out, or make a row of each chunk",
       .value = "HOW",
       .values = Choices{"truncate", "error", "skip", "chunk"},
       .shows_default = true},
      {.name = "--chunk-tokens",
       .target = &a.chunk_tokens,
       .help = "Most tokens of a chunk; default: --max-length",
       .value = "TOKENS",
       .values = kAtLeastOne},
      {.name = "--chunk-overlap",
       .target = &a.chunk_overlap,
       .help = "Tokens that a chunk repeats of the one before",
       .value = "TOKENS",
       .values = WholeRange{0, std::numeric_limits<std::int32_t>::max()},
       .shows_default = true},
      {.name = "--special-tokens",
       .target = &a.special_tokens,
       .help = "Read strings like <|endoftext|> inside a text as special tokens (parse) or as text",
       .value = "HOW",
       .values = Choices{"parse", "text"},
       .shows_default = true},
      {.name = "--tokenizer",
       .target = &a.tokenizer,
       .help = "Tokens as the model's published tokenizer makes them, or as llama.cpp's own",
       .value = "WHOSE",
       .values = Choices{"published", "llama.cpp"},
       .shows_default = true},
  };
}

Flags computing_flags(EmbedArguments& a) {
  return {
      {.name = "--batch-size",
       .target = &a.batch_size,
       .help = "Most texts in one pass; changes the speed, not the vectors",
       .value = "N",
       .values = kAtLeastOne,
       .shows_default = true},
      {.name = "--token-budget",
       .target = &a.token_budget,
       .help = "Tokens of one pass; 0: as many as are fastest, measured once",
       .value = "TOKENS",
       .values = WholeRange{0, 1 << 20},
       .shows_default = true},
      {.name = "--normalize", .target = &a.normalize, .help = "Scale each vector to length 1"},
      {.name = "--pooling",
       .target = &a.pooling,
       .help = "How token vectors become one: mean, cls or last; default: as the model says",
       .value = "KIND",
       .values = Choices{"mean", "cls", "last"}},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
      {.name = "--lanes",
       .target = &a.lanes,
       .help = "Passes side by side, each with its part of the threads and memory of its own; "
               "default: one per thread, at most 16, of decoders 4",
       .value = "N",
       .values = WholeRange{1, 256}},
  };
}

Flags run_flags(EmbedArguments& a) {
  return {
      {.name = "--on-error",
       .target = &a.on_error,
       .help =
           "A row that gets no vector: warn and leave it out (skip, continue), write it without one (null), or fail",
       .value = "HOW",
       .values = Choices{"continue", "skip", "null", "fail"},
       .shows_default = true},
      {.name = "--shard",
       .target = &a.shard,
       .help = "This process's share of the rows: 0/8 to 7/8, or auto: as the job scheduler says",
       .value = "I/N"},
      {.name = "--vector-store",
       .target = &a.vector_store,
       .help = "SQLite file that keeps vectors across runs: what is in it is not computed again",
       .value = "FILE"},
      {.name = "--restart", .target = &a.restart, .help = "Begin anew, whatever an interrupted run has done"},
      {.name = "--dry-run",
       .target = &a.dry_run,
       .help = "Write nothing; say how many rows, tokens, how long and how large, from a sample"},
      {.name = "--json", .target = &a.json, .help = "Print the summary as one JSON object on standard output"},
  };
}

Flags embed_flags(EmbedArguments& a) {
  Flags flags = {{.name = "-m,--model",
                  .target = &a.loader.model,
                  .help = "Folder or .gguf file, or a Hugging Face repository: org/name, org/name:Q8_0",
                  .value = "MODEL",
                  .required = true}};
  flags.append_range(model_flags(a.loader));
  flags.append_range(input_flags(a.input));
  flags.append_range(output_flags(a.output));
  flags.append_range(text_flags(a));
  flags.append_range(computing_flags(a));
  flags.append_range(run_flags(a));
  flags.append_range(compute_flags(a.loader));
  flags.append_range(Flags{
      {.name = "--no-bf16-copy",
       .target = &a.no_bf16_copy,
       .help = "Where our kernels cannot be used, keep no BF16 copy of a Q8_0 model"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print warnings and errors only"},
      {.name = "--debug", .target = &a.debug, .help = "Show llama.cpp's log"},
  });
  flags.append_range(cache_flags(a.loader));
  return flags;
}

}  // namespace

Command embed_command() {
  const auto arguments = std::make_shared<EmbedArguments>();
  return {.name = "embed",
          .help = "Turn the texts of a file, a table or a query into vectors",
          .flags = embed_flags(*arguments),
          .footer = kStatusHelp,
          .takes_config = true,
          .config = &arguments->config,
          .run = [arguments](Interrupt& interrupt) { return run_embed(*arguments, interrupt); }};
}

}  // namespace llama
