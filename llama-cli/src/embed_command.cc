#include <limits>
#include <memory>

#include "embed.h"
#include "exit_status.h"

namespace llama {
namespace {

constexpr WholeRange kAtLeastOne{1, std::numeric_limits<std::int32_t>::max()};

Flags embed_flags(EmbedArguments& a) {
  Flags flags = {{.name = "-m,--model",
                  .target = &a.loader.model,
                  .help = "Folder or .gguf file, or a Hugging Face repository: org/name, org/name:Q8_0",
                  .value = "MODEL",
                  .required = true}};
  flags.append_range(model_flags(a.loader));
  flags.append_range(Flags{
      {.name = "-i,--input",
       .target = &a.input,
       .help = "Text file, one text per line, UTF-8; - reads standard input",
       .value = "FILE",
       .required = true},
      {.name = "-o,--output", .target = &a.output, .help = "Parquet file to write", .value = "FILE", .required = true},
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
      {.name = "--max-length",
       .target = &a.max_length,
       .help = "Tokens after which a text is cut; default: the model's trained context",
       .value = "TOKENS",
       .values = kAtLeastOne},
      {.name = "--pooling",
       .target = &a.pooling,
       .help = "How token vectors become one: mean, cls or last; default: as the model says",
       .value = "KIND",
       .values = Choices{"mean", "cls", "last"}},
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
      {.name = "--on-error",
       .target = &a.on_error,
       .help = "A line that is not UTF-8 or gets no finite vector: warn, leave it out and continue, or fail",
       .value = "HOW",
       .values = Choices{"continue", "fail"},
       .shows_default = true},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 4096}},
  });
  flags.append_range(compute_flags(a.loader));
  flags.append_range(Flags{
      {.name = "--no-bf16-copy",
       .target = &a.no_bf16_copy,
       .help = "Where our kernels cannot be used, keep no BF16 copy of a Q8_0 model"},
      {.name = "--force", .target = &a.force, .help = "Replace an existing output"},
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
          .help = "Turn the lines of a text file into vectors in a Parquet file",
          .flags = embed_flags(*arguments),
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_embed(*arguments, interrupt); }};
}

}  // namespace llama
