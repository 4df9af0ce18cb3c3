#include "llama-agent/agent_server.h"

#include <algorithm>
#include <format>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "engine.h"
#include "llama-agent/json_schema.h"
#include "llama-core/embedding_context.h"
#include "prompt.h"

namespace llama {
namespace {

using internal::Engine;
using internal::Job;
using internal::Transcript;

constexpr std::int32_t kMostContext = 8192;  // tokens, where nothing was wished

}  // namespace

Result<void> check(const AgentConfig& c) {
  const auto wrong = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  if (c.context_tokens != 0 && (c.context_tokens < 256 || c.context_tokens > (1 << 20))) {
    return wrong(std::format("a context of {} tokens is not between 256 and {}", c.context_tokens, 1 << 20));
  }
  if (c.parallel < 1 || c.parallel > max_parallel_sequences()) {
    return wrong(std::format("{} replies at once: 1 to {} are possible", c.parallel, max_parallel_sequences()));
  }
  if (c.batch_tokens < c.parallel || c.batch_tokens > 8192) {
    return wrong(std::format("a batch of {} tokens is not between {} and 8192", c.batch_tokens, c.parallel));
  }
  if (c.threads < 0 || c.threads > 1024) return wrong("the number of threads must be between 0 and 1024");
  if (auto sound = check(c.queue); !sound) return sound;
  return check(c.sessions);
}

struct GenerationStream::State {
  std::shared_ptr<internal::ReplyStream> stream;
  std::stop_source cancel;
  struct Cancel {
    std::stop_source source;
    void operator()() { source.request_stop(); }
  };
  std::optional<std::stop_callback<Cancel>> callers_stop;
};

GenerationStream::GenerationStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
GenerationStream::GenerationStream(GenerationStream&&) noexcept = default;
GenerationStream& GenerationStream::operator=(GenerationStream&& other) noexcept {
  if (this != &other) {
    if (state_) state_->cancel.request_stop();
    state_ = std::move(other.state_);
  }
  return *this;
}
GenerationStream::~GenerationStream() {
  if (state_) state_->cancel.request_stop();
}

Result<std::optional<StreamChunk>> GenerationStream::next() { return state_->stream->next(); }
const GenerationResponse& GenerationStream::response() const { return *state_->stream->ended(); }
void GenerationStream::cancel() { state_->cancel.request_stop(); }

struct AgentServer::State {
  State(AgentConfig c, std::shared_ptr<const Model> m, ChatTemplate t, std::unique_ptr<Decoder> decoder)
      : config(std::move(c)),
        model(std::move(m)),
        chat_template(std::move(t)),
        sessions(config.sessions),
        engine(std::move(decoder), config.queue) {}

  AgentConfig config;
  std::shared_ptr<const Model> model;  // none where a test plays it
  ChatTemplate chat_template;
  SessionStore sessions;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  bool is_shut_down = false;

  std::mutex mutex;
  std::map<std::string, Transcript, std::less<>> transcripts;
  std::size_t transcript_limit = 64;
  std::set<std::string, std::less<>> answering;  // sessions with a reply under way

  // Last: its thread uses what stands above.
  Engine engine;

  Result<std::unique_ptr<Job>> make_job(const GenerationRequest& request, const Session& session);
  void end_of_reply(const std::string& id, const std::string& prompt_text, std::span<const Token> prompt,
                    const GenerationResponse& response, std::span<const Token> generated, std::string_view raw);
  Transcript transcript_of(const std::string& id) {
    const std::lock_guard lock(mutex);
    const auto found = transcripts.find(id);
    return found == transcripts.end() ? Transcript() : found->second;
  }
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
      .context_tokens = config.context_tokens > 0 ? config.context_tokens : std::min(trained, kMostContext),
      .max_sequences = config.parallel,
      .batch_tokens = config.batch_tokens,
      .threads = config.threads,
  };
  auto decoder = make_decoder(model, context);
  if (!decoder) return std::unexpected(decoder.error());
  auto chat_template = chat_template_of(*model, config.chat_template);
  if (!chat_template) return std::unexpected(chat_template.error());
  return std::unique_ptr<AgentServer>(
      new AgentServer(std::make_unique<State>(config, model, std::move(*chat_template), std::move(*decoder))));
}

Result<std::unique_ptr<AgentServer>> AgentServer::initialize(const ModelLoader& loader, const ModelConfig& model,
                                                             const AgentConfig& config) {
  if (auto sound = check(config); !sound) return std::unexpected(sound.error());
  auto loaded = loader.load_model(model);
  if (!loaded) return std::unexpected(loaded.error());
  return create(loaded->model, config);
}

Result<std::unique_ptr<Job>> AgentServer::State::make_job(const GenerationRequest& request, const Session& session) {
  if (session.messages.empty() || session.messages.back().role == MessageRole::System) {
    return fail(ErrorCode::InvalidArgument, "the session has no message to answer");
  }
  std::string grammar = request.grammar;
  std::optional<JsonSchema> schema;
  if (!request.json_schema.empty()) {
    auto parsed = JsonSchema::parse(request.json_schema);
    if (!parsed) return std::unexpected(parsed.error());
    grammar = parsed->grammar();
    schema = std::move(*parsed);
  }
  RenderOptions options{.enable_thinking = request.enable_thinking, .now = session.created_at};
  options.continue_last_message = session.messages.back().role == MessageRole::Assistant;
  options.add_generation_prompt = !options.continue_last_message;
  const Decoder& decoder = engine.decoder();
  auto prompt = make_prompt(chat_template, decoder, session.messages, options,
                            {.context_tokens = decoder.context_tokens(),
                             .max_tokens = request.stopping.max_tokens,
                             .overflow = request.overflow},
                            transcript_of(session.id));
  if (!prompt) return std::unexpected(prompt.error());

  const SamplingChoice sampling = choose_sampling(
      request.sampling, [&](std::string_view key) { return model ? model->metadata(key) : std::string(); });
  auto job = std::make_unique<Job>();
  auto sampler = decoder.make_sampler(sampling.config, grammar);
  if (!sampler) return std::unexpected(sampler.error());
  job->sampler = std::move(*sampler);
  if (!grammar.empty()) {
    auto free = decoder.make_sampler(sampling.config, {});
    if (!free) return std::unexpected(free.error());
    job->thinking_sampler = std::move(*free);
  }
  job->sampling = sampling.config;
  job->rules.stopping = request.stopping;
  job->rules.end_texts = chat_template.end_of_turn_texts();
  if (const auto& markers = chat_template.thinking_markers()) {
    job->rules.thinking_opener = markers->opener;
    job->rules.thinking_closer = markers->closer;
    // The prompt's end may have opened the thought already.
    const std::size_t opened = prompt->text.rfind(markers->opener);
    const std::size_t closed = prompt->text.rfind(markers->closer);
    job->rules.thinking_is_open =
        opened != std::string::npos && (closed == std::string::npos || closed < opened) &&
        prompt->text.find_first_not_of(" \t\r\n", opened + markers->opener.size()) == std::string::npos;
    if (request.thinking_budget) {
      job->thinking_budget = request.thinking_budget;
      const PromptPiece end{"\n" + markers->closer + "\n\n", false};
      auto closing = decoder.tokenize_rest(std::span(&end, 1));
      if (!closing) return std::unexpected(closing.error());
      job->thinking_end = std::move(*closing);
    }
  }
  job->logprobs = request.logprobs;
  job->dropped_messages = prompt->dropped_messages;
  job->checkpoints = std::move(prompt->checkpoints);
  job->stream = std::make_shared<internal::ReplyStream>();
  if (schema) {
    job->judge = [schema = std::move(*schema)](GenerationResponse& response) {
      if (auto valid = schema.validate(response.generated_text); !valid) response.schema_violation = valid.error().message;
    };
  }
  job->on_end = [this, id = session.id, text = std::move(prompt->text), tokens = prompt->tokens](
                    const GenerationResponse& response, std::span<const Token> generated, std::string_view raw) {
    end_of_reply(id, text, tokens, response, generated, raw);
  };
  job->prompt = std::move(prompt->tokens);
  return job;
}

void AgentServer::State::end_of_reply(const std::string& id, const std::string& prompt_text,
                                      std::span<const Token> prompt, const GenerationResponse& response,
                                      std::span<const Token> generated, std::string_view raw) {
  if (!response.generated_text.empty() || !response.thinking.empty()) {
    Message answer{.role = MessageRole::Assistant, .content = response.generated_text, .thinking = response.thinking};
    // A session that expired or was removed in the meantime has no use for it.
    static_cast<void>(sessions.add_message(id, std::move(answer)));
  }
  Transcript transcript{.text = prompt_text + std::string(raw), .tokens = {prompt.begin(), prompt.end()}};
  transcript.tokens.insert(transcript.tokens.end(), generated.begin(), generated.end());
  const std::lock_guard lock(mutex);
  transcripts.insert_or_assign(id, std::move(transcript));
  // Those of sessions that are gone go too, but not one by one.
  if (transcripts.size() < transcript_limit) return;
  const auto ids = sessions.list();
  const std::set<std::string_view> kept(ids.begin(), ids.end());
  std::erase_if(transcripts, [&](const auto& entry) { return !kept.contains(entry.first); });
  transcript_limit = std::max<std::size_t>(64, 2 * transcripts.size());
}

Result<GenerationStream> AgentServer::generate_stream(const GenerationRequest& request, std::stop_token stop) {
  if (auto sound = check(request); !sound) return std::unexpected(sound.error());
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->answering.insert(request.session_id).second) {
      return fail(ErrorCode::Busy, std::format("session '{}' has a reply under way", request.session_id));
    }
  }
  const auto release = [state = state_.get(), id = request.session_id] {
    const std::lock_guard lock(state->mutex);
    state->answering.erase(id);
  };
  // Read only now: a reply that was under way has been added to it.
  auto session = state_->sessions.get(request.session_id);
  if (!session) {
    release();
    return std::unexpected(session.error());
  }
  auto job = state_->make_job(request, *session);
  if (!job) {
    release();
    return std::unexpected(job.error());
  }
  (*job)->on_release = release;
  auto reader = std::make_unique<GenerationStream::State>();
  reader->stream = (*job)->stream;
  reader->cancel = (*job)->cancel;
  reader->callers_stop.emplace(stop, GenerationStream::State::Cancel{(*job)->cancel});
  if (auto submitted = state_->engine.submit(std::move(*job)); !submitted) {
    release();
    return std::unexpected(submitted.error());
  }
  return GenerationStream(std::move(reader));
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
  const auto& model = state_->model;
  return choose_sampling(wishes, [&](std::string_view key) { return model ? model->metadata(key) : std::string(); });
}

HealthStatus AgentServer::health() const {
  const std::lock_guard lock(state_->mutex);
  return {.status = state_->is_shut_down ? "shut down" : "healthy",
          .model_loaded = true,
          .queue_size = state_->engine.metrics().queue_size,
          .active_sessions = state_->sessions.stats().active_sessions,
          .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - state_->started)};
}

void AgentServer::shutdown() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_shut_down = true;
  }
  state_->engine.shutdown();
}

}  // namespace llama
