// Generate replies to conversations: sessions, a queue, a model.
//
//   auto server = AgentServer::initialize(ModelLoader(), {.source = *ModelSource::parse("org/name")});
//   auto session = (*server)->create_session();
//   (*server)->add_message(session->id, {.content = "What is an apple?"});
//   auto reply = (*server)->generate({.session_id = session->id});
//
// Threads  any number at once. The answer is in the session before the caller sees the end of it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/agent_run.h"
#include "llama-agent/chat_template.h"
#include "llama-agent/decoder.h"
#include "llama-agent/generation_request.h"
#include "llama-agent/queue_config.h"
#include "llama-agent/sampling_choice.h"
#include "llama-agent/session.h"
#include "llama-base/error.h"
#include "llama-loader/model_loader.h"

namespace llama {

struct AgentConfig {
  std::int32_t context_tokens = 0;  // of all sessions together; 0: what the model was trained for, at most 8,192
  std::int32_t parallel = 4;        // replies that are generated at once; others wait
  std::int32_t batch_tokens = 512;  // that are computed at once
  std::int32_t threads = 0;         // 0: default_threads(), llama-core/processor.h
  QueueConfig queue{};
  SessionConfig sessions{};
  std::optional<ChatTemplate> chat_template{};  // nothing: the model's own
};

// Errors   InvalidArgument: the first number that is out of its range.
[[nodiscard]] Result<void> check(const AgentConfig& config);

struct HealthStatus {
  std::string status;  // "healthy", "shut down"
  bool model_loaded = true;
  std::int32_t queue_size = 0;
  std::size_t active_sessions = 0;
  std::chrono::seconds uptime{0};
};

// A reply as it comes. Its destructor cancels it.
//
// Threads  one reader.
class GenerationStream {
 public:
  ~GenerationStream();
  GenerationStream(GenerationStream&&) noexcept;
  GenerationStream& operator=(GenerationStream&&) noexcept;

  // The next piece; nothing at the end. Waits. A slow reader loses nothing.
  //
  // Errors   what the reply failed with: TimedOut (it waited too long), Cancelled (before it began), Internal, …
  [[nodiscard]] Result<std::optional<StreamChunk>> next();
  // Requires that next() came to the end without an error.
  [[nodiscard]] const GenerationResponse& response() const;
  // The reply ends with what there is.
  void cancel();

 private:
  friend class AgentServer;
  struct State;
  explicit GenerationStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class AgentServer {
 public:
  // With a model that is loaded already: one process may embed and generate with it.
  //
  // Errors   InvalidArgument (as check(), or a model that only embeds), InvalidModel (its chat template), OutOfMemory.
  [[nodiscard]] static Result<std::unique_ptr<AgentServer>> create(std::shared_ptr<const Model> model,
                                                                   const AgentConfig& config = {});
  // Loads the model first.
  [[nodiscard]] static Result<std::unique_ptr<AgentServer>> initialize(const ModelLoader& loader,
                                                                       const ModelConfig& model,
                                                                       const AgentConfig& config = {});
  // With a model that a test plays.
  [[nodiscard]] static Result<std::unique_ptr<AgentServer>> create(std::unique_ptr<Decoder> decoder,
                                                                   ChatTemplate chat_template,
                                                                   const AgentConfig& config = {});
  ~AgentServer();

  // Answers the session's last message, and adds the answer to the session. Where the last message is an assistant's,
  // it goes on: the reply is what is new, and the message in the session becomes longer by it.
  //
  // Errors   NotFound (no such session, or expired), InvalidArgument (check(request); a session without a message to
  //          answer; a schema or grammar), ContextFull (by how many tokens), Busy (the queue is full; the session has
  //          a reply under way), TimedOut, Cancelled, InvalidModel (the chat template fails), Internal.
  [[nodiscard]] Result<GenerationResponse> generate(const GenerationRequest& request, std::stop_token stop = {});
  [[nodiscard]] Result<GenerationStream> generate_stream(const GenerationRequest& request, std::stop_token stop = {});

  // Lets the model work with tools until it answers (agent_run.h). Blocks.
  //
  // Errors   as generate(), of the first reply that fails; InvalidArgument: check() of the limits, no tools.
  [[nodiscard]] Result<RunResponse> run(const RunRequest& request, const std::stop_token& stop = {});
  // The same as events. The request's observer is not called.
  [[nodiscard]] Result<AgentRun> run_stream(RunRequest request, std::stop_token stop = {});
  // What a run would offer now.
  [[nodiscard]] static ToolList discover_tools(const ToolSet& tools, const std::stop_token& stop = {});

  [[nodiscard]] Result<Session> create_session();
  [[nodiscard]] Result<Session> get_session(std::string_view id) const;
  [[nodiscard]] Result<void> add_message(std::string_view id, Message message);
  [[nodiscard]] SessionStore& sessions();

  [[nodiscard]] HealthStatus health() const;
  [[nodiscard]] EngineMetrics metrics() const;
  [[nodiscard]] std::int32_t context_tokens() const;
  [[nodiscard]] std::string device() const;  // that computes now, as Model::device(); ModelConfig chooses it
  [[nodiscard]] const ChatTemplate& chat_template() const;
  // Can the model be held to this grammar? It is read once: requests that have it find it read.
  //
  // Errors   InvalidArgument: what is wrong with it.
  [[nodiscard]] Result<void> check_grammar(const std::string& gbnf) const;
  // How a request would be sampled, and where each value comes from.
  [[nodiscard]] SamplingChoice sampling(const SamplingWishes& wishes) const;
  // Cancels what runs and refuses what comes. Takes less than a second, save for the step that is being computed.
  void shutdown();

 private:
  struct State;
  explicit AgentServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
