#include <memory>

#include "verify/verify.h"

namespace llama {
namespace {

constexpr std::string_view kVerifyStatusHelp =
    "Exit status: 0 all right, 1 a row is wrong (or anything else failed), 2 usage, 3 the file cannot be read, 4 "
    "model, "
    "5 output, 6 network or hub, 130 interrupted (143: terminated).";

Flags verify_flags(VerifyArguments& a) {
  return {
      {.name = "file",
       .target = &a.file,
       .help = "Parquet or Arrow file with vectors, a folder of parts, or a glob",
       .value = "FILE",
       .required = true},
      {.name = "--sample",
       .target = &a.sample,
       .help = "Rows whose vectors are computed again, or all; 0: texts alone",
       .value = "N",
       .shows_default = true},
      {.name = "--seed", .target = &a.seed, .help = "Of the sample", .value = "N", .shows_default = true},
      {.name = "-m,--model",
       .target = &a.loader.model,
       .help = "Folder, .gguf file or repository; default: the one that the file names",
       .value = "MODEL"},
      {.name = "--against",
       .target = &a.against,
       .help = "Another model, another quantization above all: how far its neighbours are the same",
       .value = "MODEL"},
      {.name = "--tolerance",
       .target = &a.tolerance,
       .help = "Least cosine of a right vector; default: 0.9999, and 0.998 for quantized weights on other kernels",
       .value = "COSINE",
       .values = RealRange{0, 1}},
      {.name = "--prompt",
       .target = &a.prompt,
       .help = "Words around the texts, with {text} in them; default: as the file says",
       .value = "TEXT"},
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
      {.name = "--json", .target = &a.json, .help = "Print one JSON object"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print wrong rows and errors only"},
  };
}

}  // namespace

Command verify_command() {
  const auto arguments = std::make_shared<VerifyArguments>();
  Flags flags = verify_flags(*arguments);
  flags.append_range(model_flags(arguments->loader));
  flags.append_range(compute_flags(arguments->loader));
  flags.append_range(cache_flags(arguments->loader));
  return {.name = "verify",
          .help = "Check a file of vectors: every text by its MD5, some vectors by computing them again",
          .flags = std::move(flags),
          .footer = kVerifyStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_verify(*arguments, interrupt); }};
}

}  // namespace llama
