#include <CLI/CLI.hpp>
#include <limits>

#include "generate.h"

namespace llama {
namespace {

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

// A range that is not worth a line of help.
CLI::Validator whole(std::int32_t low, std::int32_t high) { return CLI::Range(low, high).description(""); }
// Not a number is in no range.
CLI::Validator real(double low, double high) { return CLI::Range(low, high).description(""); }

void add_prompt(CLI::App& command, GenerateArguments& a) {
  auto* prompt =
      command.add_option("-p,--prompt", a.prompt, "What to answer; - reads standard input")->type_name("TEXT");
  command.add_option("--prompt-file", a.prompt_file, "What to answer, from a file")
      ->type_name("FILE")
      ->excludes(prompt);
  command.add_option("--system", a.system, "What the model shall be and do")->type_name("TEXT");
  command.add_flag("--chat", a.chat, "Talk: one turn after the other; /help lists its commands");
  command.add_option("--chat-template", a.chat_template, "Jinja template instead of the model's own")
      ->type_name("FILE");
}

void add_sampling(CLI::App& command, GenerateArguments& a) {
  auto& s = a.sampling;
  command
      .add_option("--temperature", s.temperature,
                  "0 takes the most likely token, 2 is wild; default: the model file's, or 0.7")
      ->check(real(0, 2))
      ->type_name("T");
  command
      .add_option("--top-p", s.top_p, "Of the likely tokens as many as make up P; default: the model file's, or 0.9")
      ->check(real(0, 1))
      ->type_name("P");
  command.add_option("--top-k", s.top_k, "Of the likely tokens the first K; 0: all; default: the model file's, or 40")
      ->check(whole(0, kMost))
      ->type_name("K");
  command
      .add_option("--min-p", s.min_p,
                  "Tokens with this share of the likeliest one's probability; default: the model file's, or 0.05")
      ->check(real(0, 1))
      ->type_name("P");
  command.add_option("--repeat-penalty", s.repeat_penalty, "Above 1: say the same less often; default: 1, off")
      ->check(real(0.01, 10))
      ->type_name("X");
  command.add_option("--seed", s.seed, "Of the draws; default: a new one each time")->type_name("N");
}

void add_reply(CLI::App& command, GenerateArguments& a) {
  command.add_option("--limit", a.limit, "Most tokens of the answer")
      ->capture_default_str()
      ->check(whole(1, 32768))
      ->type_name("TOKENS");
  command.add_option("--stop", a.stop, "End the answer before this text; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command.add_flag("--detect-repetition", a.detect_repetition, "End an answer that goes round in circles");
  auto* schema = command.add_option("--json-schema", a.json_schema, "The answer is a document of this JSON Schema")
                     ->type_name("FILE");
  command.add_option("--grammar", a.grammar, "The answer follows this grammar (GBNF)")
      ->type_name("FILE")
      ->excludes(schema);
  command.add_option("--thinking", a.thinking, "Let the model think first: on or off; default: as it does by itself")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("HOW");
  command.add_option("--thinking-budget", a.thinking_budget, "Tokens after which a thought is closed")
      ->check(whole(0, 32768))
      ->type_name("TOKENS");
  command.add_flag("--show-thinking", a.show_thinking, "Show the thought on standard error");
  command
      .add_option("--on-overflow", a.overflow,
                  "Where the context is too small: fail, or drop-oldest turns; default: a prompt fails, a chat drops")
      ->check(CLI::IsMember({"fail", "drop-oldest"}))
      ->type_name("HOW");
}

void add_output(CLI::App& command, GenerateArguments& a) {
  auto* json =
      command.add_flag("--json", a.json, "Print one JSON object per line: the answer's pieces, then the usage");
  command.add_option("--logprobs", a.logprobs, "With --json: log-probabilities, and N alternatives of each token")
      ->check(whole(0, 20))
      ->type_name("N")
      ->needs(json);
  json->excludes(command.get_option("--chat"));
  command.add_flag("--quiet", a.quiet, "Print the answer, warnings and errors only");
  command.add_flag("--debug", a.debug, "Show llama.cpp's log, how tokens are drawn, and statistics");
}

void add_engine(CLI::App& command, GenerateArguments& a) {
  const auto number = [&](const char* name, std::int32_t& value, std::int32_t high, const char* what,
                          const char* unit) {
    command.add_option(name, value, what)->capture_default_str()->check(whole(1, high))->type_name(unit);
  };
  command.add_option("--context", a.context, "Tokens of prompt and answer; default: the model's, at most 8192")
      ->check(whole(256, 1 << 20))
      ->type_name("TOKENS");
  command.add_option("--threads", a.threads, "Threads; default: one per physical core that the process may use")
      ->check(whole(1, 1024))
      ->type_name("N");
  add_compute_flags(command, a.loader);
  number("--batch-size", a.batch_size, 8192, "Most tokens computed at once", "TOKENS");
  number("--max-queue-size", a.max_queue_size, kMost, "Requests that may wait", "N");
  number("--request-timeout", a.request_timeout, kMost, "Longest time of one answer", "SECONDS");
  number("--worker-threads", a.worker_threads, 16, "Answers at once", "N");
  number("--max-sessions", a.max_sessions, kMost, "Conversations that are kept", "N");
  command
      .add_option("--session-timeout", a.session_timeout,
                  "Time after which an unused conversation is dropped; default: 3600, in a chat never")
      ->check(whole(1, kMost))
      ->type_name("SECONDS");
}

}  // namespace

void add_generate(CLI::App& app, GenerateArguments& a) {
  CLI::App* command = app.add_subcommand("generate", "Answer a prompt, or chat");
  command
      ->add_option("-m,--model", a.loader.model,
                   "Folder or .gguf file, or a Hugging Face repository: org/name, org/name:Q4_K_M")
      ->required()
      ->type_name("MODEL");
  add_model_flags(*command, a.loader);
  add_prompt(*command, a);
  add_reply(*command, a);
  add_sampling(*command, a);
  add_output(*command, a);
  add_engine(*command, a);
  add_cache_flags(*command, a.loader);
}

}  // namespace llama
