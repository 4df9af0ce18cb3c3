#include <limits>
#include <memory>

#include "exit_status.h"
#include "generate.h"

namespace llama {
namespace {

constexpr std::int32_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();

Flags prompt_flags(GenerateArguments& a) {
  return {
      {.name = "-p,--prompt", .target = &a.prompt, .help = "What to answer; - reads standard input", .value = "TEXT"},
      {.name = "--prompt-file",
       .target = &a.prompt_file,
       .help = "What to answer, from a file",
       .value = "FILE",
       .excludes = "--prompt"},
      {.name = "--system", .target = &a.system, .help = "What the model shall be and do", .value = "TEXT"},
      {.name = "--chat", .target = &a.chat, .help = "Talk: one turn after the other; /help lists its commands"},
      {.name = "--chat-template",
       .target = &a.chat_template,
       .help = "Jinja template instead of the model's own",
       .value = "FILE"},
  };
}

Flags reply_flags(GenerateArguments& a) {
  return {
      {.name = "--limit",
       .target = &a.limit,
       .help = "Most tokens of the answer",
       .value = "TOKENS",
       .values = WholeRange{1, 32768},
       .shows_default = true},
      {.name = "--stop",
       .target = &a.stop,
       .help = "End the answer before this text; may be given several times",
       .value = "TEXT"},
      {.name = "--detect-repetition",
       .target = &a.detect_repetition,
       .help = "End an answer that goes round in circles"},
      {.name = "--json-schema",
       .target = &a.json_schema,
       .help = "The answer is a document of this JSON Schema",
       .value = "FILE"},
      {.name = "--grammar",
       .target = &a.grammar,
       .help = "The answer follows this grammar (GBNF)",
       .value = "FILE",
       .excludes = "--json-schema"},
      {.name = "--thinking",
       .target = &a.thinking,
       .help = "Let the model think first: on or off; default: as it does by itself",
       .value = "HOW",
       .values = Choices{"on", "off"}},
      {.name = "--thinking-budget",
       .target = &a.thinking_budget,
       .help = "Tokens after which a thought is closed",
       .value = "TOKENS",
       .values = WholeRange{0, 32768}},
      {.name = "--show-thinking", .target = &a.show_thinking, .help = "Show the thought on standard error"},
      {.name = "--on-overflow",
       .target = &a.overflow,
       .help = "Where the context is too small: fail, or drop-oldest turns; default: a prompt fails, a chat drops",
       .value = "HOW",
       .values = Choices{"fail", "drop-oldest"}},
  };
}

Flags sampling_flags(SamplingWishes& s) {
  return {
      {.name = "--temperature",
       .target = &s.temperature,
       .help = "0 takes the most likely token, 2 is wild; default: the model file's, or 0.7",
       .value = "T",
       .values = RealRange{0, 2}},
      {.name = "--top-p",
       .target = &s.top_p,
       .help = "Of the likely tokens as many as make up P; default: the model file's, or 0.9",
       .value = "P",
       .values = RealRange{0, 1}},
      {.name = "--top-k",
       .target = &s.top_k,
       .help = "Of the likely tokens the first K; 0: all; default: the model file's, or 40",
       .value = "K",
       .values = WholeRange{0, kMaxInt32}},
      {.name = "--min-p",
       .target = &s.min_p,
       .help = "Tokens with this share of the likeliest one's probability; default: the model file's, or 0.05",
       .value = "P",
       .values = RealRange{0, 1}},
      {.name = "--repeat-penalty",
       .target = &s.repeat_penalty,
       .help = "Above 1: say the same less often; default: 1, off",
       .value = "X",
       .values = RealRange{0.01, 10}},
      {.name = "--seed", .target = &s.seed, .help = "Of the draws; default: a new one each time", .value = "N"},
  };
}

Flags tool_flags(GenerateArguments& a) {
  return {
      {.name = "--mcp-config",
       .target = &a.mcp_config,
       .help = "Let the model call the tools of these MCP servers: a file with mcpServers or servers",
       .value = "FILE",
       .excludes = "--json-schema"},
      {.name = "--approve",
       .target = &a.approve,
       .help =
           "Before a tool is called: ask in the terminal, always or never allow it; without a terminal ask is never",
       .value = "HOW",
       .values = Choices{"ask", "always", "never"},
       .shows_default = true,
       .needs = "--mcp-config"},
      {.name = "--tool-choice",
       .target = &a.tool_choice,
       .help = "Must the first reply call a tool? auto, none, required, or a tool's name",
       .value = "WHICH",
       .shows_default = true,
       .needs = "--mcp-config"},
      {.name = "--tool-rounds",
       .target = &a.tool_rounds,
       .help = "Most replies until the answer",
       .value = "N",
       .values = WholeRange{1, 1000},
       .shows_default = true,
       .needs = "--mcp-config"},
  };
}

Flags output_flags(GenerateArguments& a) {
  return {
      {.name = "--json",
       .target = &a.json,
       .help = "Print one JSON object per line: the answer's pieces, then the usage",
       .excludes = "--chat"},
      {.name = "--logprobs",
       .target = &a.logprobs,
       .help = "With --json: log-probabilities, and N alternatives of each token",
       .value = "N",
       .values = WholeRange{0, 20},
       .needs = "--json"},
      {.name = "--quiet", .target = &a.quiet, .help = "Print the answer, warnings and errors only"},
      {.name = "--debug", .target = &a.debug, .help = "Show llama.cpp's log, how tokens are drawn, and statistics"},
  };
}

Flags engine_flags(GenerateArguments& a) {
  const auto number = [](std::string_view name, std::int32_t& target, std::int32_t high, std::string_view help,
                         std::string_view value) {
    return Flag{.name = name,
                .target = &target,
                .help = help,
                .value = value,
                .values = WholeRange{1, high},
                .shows_default = true};
  };
  Flags flags = {
      {.name = "--context",
       .target = &a.context,
       .help = "Tokens of prompt and answer; default: the model's, at most 8192",
       .value = "TOKENS",
       .values = WholeRange{256, 1 << 20}},
      {.name = "--threads",
       .target = &a.threads,
       .help = "Threads; default: one per physical core that the process may use",
       .value = "N",
       .values = WholeRange{1, 1024}},
  };
  flags.append_range(compute_flags(a.loader));
  flags.append_range(Flags{
      number("--batch-size", a.batch_size, 8192, "Most tokens computed at once", "TOKENS"),
      number("--max-queue-size", a.max_queue_size, kMaxInt32, "Requests that may wait", "N"),
      number("--request-timeout", a.request_timeout, kMaxInt32, "Longest time of one answer", "SECONDS"),
      number("--worker-threads", a.worker_threads, 16, "Answers at once", "N"),
      number("--max-sessions", a.max_sessions, kMaxInt32, "Conversations that are kept", "N"),
      {.name = "--session-timeout",
       .target = &a.session_timeout,
       .help = "Time after which an unused conversation is dropped; default: 3600, in a chat never",
       .value = "SECONDS",
       .values = WholeRange{1, kMaxInt32}},
  });
  return flags;
}

Flags generate_flags(GenerateArguments& a) {
  Flags flags = {{.name = "-m,--model",
                  .target = &a.loader.model,
                  .help = "Folder or .gguf file, or a Hugging Face repository: org/name, org/name:Q4_K_M",
                  .value = "MODEL",
                  .required = true}};
  for (const Flags& group : {model_flags(a.loader), prompt_flags(a), reply_flags(a), sampling_flags(a.sampling),
                             tool_flags(a), output_flags(a), engine_flags(a), cache_flags(a.loader)}) {
    flags.append_range(group);
  }
  return flags;
}

}  // namespace

Command generate_command() {
  const auto arguments = std::make_shared<GenerateArguments>();
  return {.name = "generate",
          .help = "Answer a prompt, or chat",
          .flags = generate_flags(*arguments),
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_generate(*arguments, interrupt); }};
}

}  // namespace llama
