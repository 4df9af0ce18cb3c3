#include "llama-agent/agent_server.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "engine/engine.h"
#include "engine/guarded.h"
#include "prompt/make_job.h"
#include "prompt/transcripts.h"
#include "reply/generation_stream.h"
#include "session/session_lease.h"
#include "tools/agent_run_state.h"
#include "tools/run_loop.h"

namespace llama {
namespace {

using internal::Engine;
using internal::guarded;
using internal::Job;
using internal::MadeJob;

constexpr std::int32_t kMaxDefaultContext = 8192;  // tokens, where nothing was wished

}  // namespace

struct AgentServer::State {
  State(AgentConfig c, std::shared_ptr<const Model> m, ChatTemplate t, std::unique_ptr<Decoder> decoder)
      : config(std::move(c)),
        model(std::move(m)),
        chat_template(std::move(t)),
        sessions(config.sessions),
        engine(std::move(decoder), config.queue) {}

  [[nodiscard]] std::string metadata(std::string_view key) const {
    return model ? model->metadata(key) : std::string();
  }
  [[nodiscard]] Result<MadeJob> job_of(const GenerationRequest& request, const Session& session,
                                       const std::stop_token& stop);
  [[nodiscard]] Result<GenerationStream> stream(const GenerationRequest& request, const std::stop_token& stop);
  // The same where the session is taken already.
  [[nodiscard]] Result<GenerationStream> stream(const GenerationRequest& request, const std::stop_token& stop,
                                                std::shared_ptr<void> lease);
  // A whole run. Takes the session first, and keeps it.
  [[nodiscard]] Result<RunResponse> run(const RunRequest& request, const std::function<void(RunEvent)>& tell,
                                        const std::stop_token& stop);

  AgentConfig config;
  std::shared_ptr<const Model> model;  // none where a test plays it
  ChatTemplate chat_template;
  SessionStore sessions;
  internal::SessionLeases leases;
  internal::Transcripts transcripts;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::atomic<bool> is_shut_down = false;
  std::stop_source stop_runs;

  // Last: its thread uses what stands above.
  Engine engine;
};

AgentServer::AgentServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgentServer::~AgentServer() { shutdown(); }

Result<std::unique_ptr<AgentServer>> AgentServer::create(std::unique_ptr<Decoder> decoder, ChatTemplate chat_template,
                                                         const AgentConfig& config) {
  if (auto sound = check(config); !sound) return std::unexpected(sound.error());
  return std::unique_ptr<AgentServer>(
      new AgentServer(std::make_unique<State>(config, nullptr, std::move(chat_template), std::move(decoder))));
}

Result<std::unique_ptr<AgentServer>> AgentServer::create(std::shared_ptr<const Model> model,
                                                         const AgentConfig& config) {
  if (auto sound = check(config); !sound) return std::unexpected(sound.error());
  if (model == nullptr) return fail(ErrorCode::InvalidArgument, "an agent needs a model");
  const std::int32_t trained = std::max(256, model->trained_context());
  const GenerationContextConfig context{
      .context_tokens = config.context_tokens > 0 ? config.context_tokens : std::min(trained, kMaxDefaultContext),
      .max_sequences = config.parallel,
      .batch_tokens = config.batch_tokens,
      .threads = config.threads,
  };
  auto chat_template = chat_template_of(*model, config.chat_template);
  if (!chat_template) return std::unexpected(chat_template.error());
  auto decoder = make_decoder(model, context, chat_template->source());
  if (!decoder) return std::unexpected(decoder.error());
  return std::unique_ptr<AgentServer>(new AgentServer(
      std::make_unique<State>(config, std::move(model), std::move(*chat_template), std::move(*decoder))));
}

Result<std::unique_ptr<AgentServer>> AgentServer::initialize(const ModelLoader& loader, const ModelConfig& model,
                                                             const AgentConfig& config) {
  if (auto sound = check(config); !sound) return std::unexpected(sound.error());
  auto loaded = loader.load_model(model);
  if (!loaded) return std::unexpected(loaded.error());
  return create(loaded->model, config);
}

Result<MadeJob> AgentServer::State::job_of(const GenerationRequest& request, const Session& session,
                                           const std::stop_token& stop) {
  auto made = make_job(request, session,
                       {.decoder = engine.decoder(),
                        .chat_template = chat_template,
                        .metadata = [this](std::string_view key) { return metadata(key); }},
                       transcripts.of(session.id), stop);
  if (!made) return made;
  const bool goes_on = session.messages.back().role == MessageRole::Assistant;
  made->job->on_end = [this, id = session.id, index = session.messages.size() - 1, last = session.messages.back(),
                       goes_on, prompt = std::move(made->prompt), continued = std::move(made->continued),
                       tokens = made->job->prompt](const GenerationResponse& response, std::span<const Token> generated,
                                                   std::string_view raw) {
    internal::Transcript transcript{.text = prompt + std::string(raw), .tokens = tokens};
    transcript.tokens.insert(transcript.tokens.end(), generated.begin(), generated.end());
    transcripts.put(id, std::move(transcript), sessions);
    const bool is_empty = response.generated_text.empty() && response.thinking.empty() && response.tool_calls.empty();
    if (is_empty) return std::string();
    const auto kept = goes_on ? sessions.extend_message(id, index, last, internal::extended(last, continued, response))
                              : sessions.add_message(id, internal::reply_message(response));
    return kept ? std::string() : kept.error().message;
  };
  return made;
}

Result<GenerationStream> AgentServer::State::stream(const GenerationRequest& request, const std::stop_token& stop) {
  if (auto sound = check(request); !sound) return std::unexpected(sound.error());
  auto lease = leases.take(request.session_id);
  if (!lease) return std::unexpected(lease.error());
  return stream(request, stop, std::move(*lease));
}

Result<GenerationStream> AgentServer::State::stream(const GenerationRequest& request, const std::stop_token& stop,
                                                    std::shared_ptr<void> lease) {
  // Read only now: a reply that was under way has been added to it.
  const auto session = sessions.get(request.session_id);
  if (!session) return std::unexpected(session.error());
  auto made = job_of(request, *session, stop);
  if (!made) return std::unexpected(made.error());
  std::unique_ptr<Job> job = std::move(made->job);
  job->lease = std::move(lease);
  auto reader = std::make_unique<GenerationStream::State>();
  reader->stream = job->stream;
  reader->cancel = job->cancel;
  reader->callers_stop.emplace(stop, GenerationStream::State::Cancel{job->cancel});
  if (auto submitted = engine.submit(std::move(job)); !submitted) return std::unexpected(submitted.error());
  return GenerationStream(std::move(reader));
}

Result<GenerationStream> AgentServer::generate_stream(const GenerationRequest& request, std::stop_token stop) {
  Result<GenerationStream> made = std::unexpected(Error{});
  const auto done = guarded("the request could not be made", [&]() -> Result<void> {
    made = state_->stream(request, stop);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return made;
}

Result<GenerationResponse> AgentServer::generate(const GenerationRequest& request, std::stop_token stop) {
  auto stream = generate_stream(request, std::move(stop));
  if (!stream) return std::unexpected(stream.error());
  for (;;) {
    auto chunk = stream->next();
    if (!chunk) return std::unexpected(chunk.error());
    if (!*chunk) return stream->response();
  }
}

Result<RunResponse> AgentServer::State::run(const RunRequest& request, const std::function<void(RunEvent)>& tell,
                                            const std::stop_token& stop) {
  Result<RunResponse> response = std::unexpected(Error{});
  const auto done = guarded("the run failed", [&]() -> Result<void> {
    if (auto sound = internal::check(request); !sound) return sound;
    // Its tools are the set's, of which nobody knows yet whether there are any.
    GenerationRequest without_tools = request.generation;
    without_tools.tool_choice = {};
    if (auto sound = check(without_tools); !sound) return sound;
    const auto lease = leases.take(request.generation.session_id);
    if (!lease) return std::unexpected(lease.error());
    const internal::RunHost host{
        .reply = [&](const GenerationRequest& one, const std::stop_token& of_run) -> Result<GenerationStream> {
          if (auto sound = check(one); !sound) return std::unexpected(sound.error());
          return stream(one, of_run, *lease);
        },
        .sessions = &sessions,
        .max_message_bytes = config.sessions.max_message_bytes,
        .stop = stop_runs.get_token()};
    response = internal::run_to_the_end(request, host, tell, stop);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return response;
}

Result<RunResponse> AgentServer::run(const RunRequest& request, const std::stop_token& stop) {
  const auto tell = [&](const RunEvent& event) {
    if (request.observer) request.observer(event);
  };
  return state_->run(request, tell, stop);
}

Result<AgentRun> AgentServer::run_stream(RunRequest request, std::stop_token stop) {
  std::unique_ptr<AgentRun::State> run;
  const auto done = guarded("the run could not be made", [&]() -> Result<void> {
    if (auto sound = internal::check(request); !sound) return sound;
    run = std::make_unique<AgentRun::State>();
    run->callers_stop.emplace(stop, AgentRun::State::Request{run->stop});
    run->thread = std::thread([this, run = run.get(), request = std::move(request)] {
      run->events.end(
          state_->run(request, [&](RunEvent event) { run->events.write(std::move(event)); }, run->stop.get_token()));
    });
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return AgentRun(std::move(run));
}

ToolList AgentServer::discover_tools(const ToolSet& tools, const std::stop_token& stop) { return tools.list(stop); }

Result<Session> AgentServer::create_session() { return state_->sessions.create(); }
Result<Session> AgentServer::get_session(std::string_view id) const { return state_->sessions.get(id); }
Result<void> AgentServer::add_message(std::string_view id, Message message) {
  return state_->sessions.add_message(id, std::move(message));
}
SessionStore& AgentServer::sessions() { return state_->sessions; }

EngineMetrics AgentServer::metrics() const { return state_->engine.metrics(); }
std::int32_t AgentServer::context_tokens() const { return state_->engine.decoder().context_tokens(); }
std::string AgentServer::device() const { return state_->model ? state_->model->device() : std::string(); }
const ChatTemplate& AgentServer::chat_template() const { return state_->chat_template; }

SamplingChoice AgentServer::sampling(const SamplingWishes& wishes) const {
  return choose_sampling(wishes, [this](std::string_view key) { return state_->metadata(key); });
}

Result<void> AgentServer::check_grammar(const std::string& gbnf) const {
  const auto sampler = state_->engine.decoder().make_sampler({}, std::span(&gbnf, 1));
  if (!sampler) return std::unexpected(sampler.error());
  return {};
}

HealthStatus AgentServer::health() const {
  return {
      .status = state_->is_shut_down ? "shut down" : "healthy",
      .model_loaded = true,
      .queue_size = state_->engine.metrics().queue_size,
      .active_sessions = state_->sessions.stats().active_sessions,
      .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - state_->started)};
}

void AgentServer::shutdown() {
  state_->is_shut_down = true;
  state_->stop_runs.request_stop();
  state_->engine.shutdown();
}

}  // namespace llama
