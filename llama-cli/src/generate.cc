#include "generate.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>
#include <print>

#include "answer_printer.h"
#include "chat.h"
#include "console.h"
#include "exit_status.h"
#include "generate_texts.h"
#include "load_display.h"
#include "statistics.h"
#include "tools/generate_tools.h"

namespace llama {
namespace {

Step<std::shared_ptr<const Model>> load(const GenerateArguments& arguments, const Interrupt& interrupt,
                                        const Console& console) {
  auto source = make_source(arguments.loader);
  if (!source) return stop_with(source.error(), kModelError);
  const auto loader = make_loader(arguments.loader, interrupt.token());
  if (!loader) return stop_with(loader.error(), kUsageError);
  auto device = start_compute(arguments.loader);
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
  if (!loaded) return stop_with(with_flags(loaded.error()), loader_status(loaded.error().code));
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

Step<int> answer_with_tools(AgentServer& server, GenerateTools& tools, GenerationRequest request,
                            const GenerateArguments& arguments, const Message& prompt, const Interrupt& interrupt,
                            const Console& console) {
  auto session = begin_session(server, arguments.system);
  if (!session) return std::unexpected(session.error());
  if (auto added = server.add_message(*session, prompt); !added) return stop_with(added.error(), kUsageError);
  request.session_id = std::move(*session);
  auto response = tools.run(server, request, arguments, console, interrupt.token());
  if (!response) {
    AnswerPrinter(console, {.json = arguments.json}).print_error(response.error());
    return stop_with(response.error(), answer_status(response.error().code));
  }
  if (arguments.debug) print_statistics(response->reply);
  if (const int status = run_status(*response, interrupt); status != kDone) return status;
  return warn_and_judge(response->reply, arguments, interrupt);
}

Step<int> run(const GenerateArguments& arguments, Interrupt& interrupt, const Console& console) {
  auto texts = read_texts(arguments, interrupt);
  if (!texts) return std::unexpected(texts.error());
  const AgentConfig config = agent_config(arguments, texts->chat_template);
  if (auto sound = check(config); !sound) return stop_with(sound.error(), kUsageError);
  std::unique_ptr<GenerateTools> tools;
  if (arguments.mcp_config) {
    auto opened = GenerateTools::open(arguments, interrupt, console);
    if (!opened) return std::unexpected(opened.error());
    tools = std::move(*opened);
  }
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
                     .debug = arguments.debug,
                     .tools = tools.get(),
                     .arguments = &arguments},
                    interrupt, console);
  }
  if (tools != nullptr) {
    return answer_with_tools(**server, *tools, std::move(texts->request), arguments, *texts->prompt, interrupt,
                             console);
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
