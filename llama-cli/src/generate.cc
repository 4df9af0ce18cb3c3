#include "generate.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

#include "answer_printer.h"
#include "chat.h"
#include "console.h"
#include "exit_status.h"
#include "llama-agent/json_schema.h"
#include "llama-core/kernels.h"
#include "load_display.h"
#include "statistics.h"

namespace llama {
namespace {

constexpr std::size_t kMaxFileBytes = 4 * 1024 * 1024;  // of a prompt, a schema, a grammar, a template

// A whole file; "-" is standard input.
Step<std::string> read_file(const std::filesystem::path& path) {
  const bool is_stdin = path == "-";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(is_stdin ? nullptr : std::fopen(path.c_str(), "rb"),
                                                               [](std::FILE* f) { return std::fclose(f); });
  std::FILE* file = is_stdin ? stdin : opened.get();
  std::string text;
  char buffer[65536];
  for (std::size_t n = 0; file != nullptr && (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
    text.append(buffer, n);
    if (text.size() <= kMaxFileBytes) continue;
    return stop_with({ErrorCode::InvalidText, std::format("'{}' has more than {} bytes", path.string(), kMaxFileBytes)},
                     kInputError);
  }
  if (file == nullptr || std::ferror(file) != 0) {
    return stop_with({ErrorCode::Io, std::format("cannot read '{}': {}", path.string(), std::strerror(errno))},
                     kInputError);
  }
  return text;
}

// Editors and echo end a file with a newline that nobody means.
std::string without_final_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

struct Texts {
  std::optional<Message> prompt;  // a chat may begin without one
  GenerationRequest request;      // without its session
  std::optional<ChatTemplate> chat_template;
};

Step<std::optional<Message>> read_prompt(const GenerateArguments& arguments) {
  Message prompt;
  if (arguments.prompt_file || arguments.prompt == "-") {
    if (arguments.chat && (arguments.prompt == "-" || arguments.prompt_file == "-")) {
      return stop_with({ErrorCode::InvalidArgument, "--chat reads standard input itself"}, kUsageError);
    }
    auto text = read_file(arguments.prompt_file ? *arguments.prompt_file : "-");
    if (!text) return std::unexpected(text.error());
    prompt.content = without_final_newline(std::move(*text));
  } else if (arguments.prompt) {
    prompt.content = *arguments.prompt;
  } else if (arguments.chat) {
    return std::nullopt;
  } else {
    return stop_with({ErrorCode::InvalidArgument, "a prompt is missing: give --prompt, --prompt-file or --chat"},
                     kUsageError);
  }
  if (auto sound = check(prompt); !sound) {
    const bool is_flag = arguments.prompt && arguments.prompt != "-";
    return stop_with(sound.error(), is_flag ? kUsageError : kInputError);
  }
  return prompt;
}

// Whatever can be known to fail is tried before the model loads.
Step<Texts> check_arguments(const GenerateArguments& a) {
  Texts texts;
  auto prompt = read_prompt(a);
  if (!prompt) return std::unexpected(prompt.error());
  texts.prompt = std::move(*prompt);
  std::string chat_template;
  for (const auto& [file, text] :
       {std::pair{&a.json_schema, &texts.request.json_schema}, std::pair{&a.grammar, &texts.request.grammar},
        std::pair{&a.chat_template, &chat_template}}) {
    if (!*file) continue;
    auto read = read_file(**file);
    if (!read) return std::unexpected(read.error());
    if (read->find_first_not_of(" \t\r\n") == std::string::npos) {
      return stop_with({ErrorCode::InvalidArgument, std::format("'{}' is empty", (*file)->string())}, kInputError);
    }
    *text = std::move(*read);
  }
  if (!a.system.empty()) {
    if (auto sound = check(Message{.role = MessageRole::System, .content = a.system}); !sound) {
      return stop_with(sound.error(), kUsageError);
    }
  }
  GenerationRequest& request = texts.request;
  request.sampling = a.sampling;
  request.stopping.max_tokens = a.limit;
  request.stopping.stop_strings = a.stop;
  if (a.detect_repetition) request.stopping.repetition = RepetitionConfig{};
  if (a.thinking) request.enable_thinking = *a.thinking == "on";
  request.thinking_budget = a.thinking_budget;
  request.logprobs = a.logprobs;
  const bool drops = a.overflow ? *a.overflow == "drop-oldest" : a.chat;
  request.overflow = drops ? OverflowPolicy::DropOldest : OverflowPolicy::Fail;
  if (auto sound = check(request); !sound) return stop_with(sound.error(), kUsageError);
  if (!request.json_schema.empty()) {
    const auto schema = JsonSchema::parse(request.json_schema);
    if (!schema) {
      return stop_with(
          {ErrorCode::InvalidArgument, std::format("'{}': {}", a.json_schema->string(), schema.error().message)},
          kInputError);
    }
    show_unenforced(*schema, a.json_schema->string());
  }
  if (!chat_template.empty()) {
    auto parsed = ChatTemplate::parse({.source = std::move(chat_template)});
    if (!parsed) {
      return stop_with(
          {ErrorCode::InvalidArgument, std::format("'{}': {}", a.chat_template->string(), parsed.error().message)},
          kInputError);
    }
    texts.chat_template = std::move(*parsed);
  }
  return texts;
}

Step<std::shared_ptr<const Model>> load(const GenerateArguments& arguments, const Interrupt& interrupt,
                                        const Console& console) {
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kModelError);
  const auto loader = make_loader(arguments.loader);
  if (!loader) return stop_with(loader.error(), kUsageError);
  if (auto chosen = choose_kernels(arguments.loader.kernels); !chosen) return stop_with(chosen.error(), kUsageError);
  auto device = make_device(arguments.loader);
  if (!device) return stop_with(device.error(), kUsageError);
  console.line("Loading model: {}", arguments.loader.model);
  const auto started = std::chrono::steady_clock::now();
  LoadDisplay display(console);
  ModelConfig config{.source = std::move(*source),
                     .on_progress = [&](double fraction) { display.on_progress(fraction); },
                     .on_download = [&](const DownloadProgress& progress) { display.on_download(progress); },
                     .on_message = [&](std::string_view line) { display.on_message(line); },
                     .stop = interrupt.token(),
                     .device = std::move(*device),
                     .on_notice = show_notice};
  auto loaded = loader->load_model(config);
  display.end();
  if (!loaded) return stop_with(loaded.error(), loader_status(loaded.error().code));
  console.line("Model loaded successfully in {}", format_duration(std::chrono::steady_clock::now() - started));
  return loaded->model;
}

AgentConfig agent_config(const GenerateArguments& a, std::optional<ChatTemplate> chat_template) {
  AgentConfig config;
  config.context_tokens = a.context;
  config.parallel = a.worker_threads;
  config.batch_tokens = a.batch_size;
  config.threads = a.threads;
  config.queue.max_queue_size = a.max_queue_size;
  config.queue.request_timeout = std::chrono::seconds(a.request_timeout);
  config.sessions.max_sessions = a.max_sessions;
  // Nobody who comes back to a chat from lunch wants to find it gone.
  const std::int32_t timeout = a.chat ? std::numeric_limits<std::int32_t>::max() : 3600;
  config.sessions.session_timeout = std::chrono::seconds(a.session_timeout.value_or(timeout));
  config.chat_template = std::move(chat_template);
  return config;
}

Step<std::string> begin_session(AgentServer& server, const std::string& system) {
  auto session = server.create_session();
  if (!session) return stop_with(session.error(), kInternalError);
  if (!system.empty()) {
    auto added = server.add_message(session->id, {.role = MessageRole::System, .content = system});
    if (!added) return stop_with(added.error(), kUsageError);
  }
  return session->id;
}

// What the caller has to know of how the answer came about.
int warn_and_judge(const GenerationResponse& response, const GenerateArguments& arguments, const Interrupt& interrupt) {
  if (response.usage.dropped_messages > 0) {
    std::println(stderr, "Warning: the context is full; the oldest {} messages were left out",
                 response.usage.dropped_messages);
  }
  switch (response.finish_reason) {
    case FinishReason::Cancelled:
      std::println(stderr, "Interrupted");
      return interrupt.signal() != 0 ? interrupt.exit_status() : kInternalError;
    case FinishReason::TimeLimit:
      std::println(stderr, "Error: the answer was cut off after {} s (--request-timeout)", arguments.request_timeout);
      return kInternalError;
    case FinishReason::ContextFull:
      std::println(stderr, "Warning: the answer was cut off because the context is full (--context)");
      break;
    default:
      break;
  }
  if (response.schema_violation.empty()) return kDone;
  std::println(stderr, "Error: the answer is no document of the schema: {}", response.schema_violation);
  return kInternalError;
}

Step<int> answer(AgentServer& server, GenerationRequest request, const GenerateArguments& arguments,
                 const Message& prompt, const Interrupt& interrupt, const Console& console) {
  auto session = begin_session(server, arguments.system);
  if (!session) return std::unexpected(session.error());
  if (auto added = server.add_message(*session, prompt); !added) return stop_with(added.error(), kUsageError);
  request.session_id = std::move(*session);
  console.line("Generating...\n");
  const auto started = std::chrono::steady_clock::now();
  AnswerPrinter printer(console, {.json = arguments.json, .show_thinking = arguments.show_thinking});
  auto stream = server.generate_stream(request, interrupt.token());
  auto response = stream.and_then([&](GenerationStream& s) { return printer.print(s); });
  if (!response) {
    printer.print_error(response.error());
    return stop_with(response.error(), answer_status(response.error().code));
  }
  if (response->finish_reason != FinishReason::Cancelled) {
    console.line("\nGeneration completed in {}", short_duration(std::chrono::steady_clock::now() - started));
  }
  if (arguments.debug) print_statistics(*response);
  return warn_and_judge(*response, arguments, interrupt);
}

Step<int> run(const GenerateArguments& arguments, Interrupt& interrupt, const Console& console) {
  auto texts = check_arguments(arguments);
  if (!texts) return std::unexpected(texts.error());
  const AgentConfig config = agent_config(arguments, texts->chat_template);
  if (auto sound = check(config); !sound) return stop_with(sound.error(), kUsageError);
  const auto model = load(arguments, interrupt, console);
  if (!model) return std::unexpected(model.error());
  auto server = AgentServer::create(*model, config);
  if (!server) {
    return stop_with(server.error(), server.error().code == ErrorCode::OutOfMemory ? kInternalError : kModelError);
  }
  if (!texts->request.grammar.empty()) {
    if (auto sound = (*server)->check_grammar(texts->request.grammar); !sound) {
      return stop_with(sound.error(), kInputError);
    }
  }
  if (const std::int32_t trained = (*model)->trained_context(); trained > 0 && arguments.context > trained) {
    std::println(stderr, "Warning: the model was trained for {} tokens of context, not for {}", trained,
                 arguments.context);
  }
  if (arguments.debug) print_setup(**server, arguments.sampling);
  if (arguments.chat) {
    return run_chat(**server, texts->request,
                    {.system = arguments.system,
                     .first = std::move(texts->prompt),
                     .show_thinking = arguments.show_thinking,
                     .debug = arguments.debug},
                    interrupt, console);
  }
  return answer(**server, std::move(texts->request), arguments, *texts->prompt, interrupt, console);
}

}  // namespace

int answer_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return kUsageError;
    case ErrorCode::InvalidText:
    case ErrorCode::ContextFull:
      return kInputError;
    case ErrorCode::InvalidModel:
      return kModelError;
    case ErrorCode::Io:
    case ErrorCode::NoSpace:
      return kOutputError;
    default:
      return kInternalError;
  }
}

int run_generate(const GenerateArguments& arguments, Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .terminal = ::isatty(STDERR_FILENO) == 1, .stream = stderr};
  if (arguments.debug) set_log_sink(show_log);
  const auto status = run(arguments, interrupt, console);
  if (status) return *status;
  if (status.error().error.code == ErrorCode::Cancelled && interrupt.signal() != 0) {
    std::println(stderr, "Interrupted: {}", status.error().error.message);
    return interrupt.exit_status();
  }
  std::println(stderr, "Error: {}", status.error().error.message);
  return status.error().status;
}

}  // namespace llama
