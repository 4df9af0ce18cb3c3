// Uses the installed libraries as a stranger would: embeds and generates with one model, which is loaded once.
#include <llama-agent/agent_server.h>
#include <llama-embedding/embedding_model.h>
#include <print>

int main(int argc, char** argv) {
  if (llama::ModelSource::parse("/no/such/model.gguf")) return 1;
  if (argc != 2) return 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;

  llama::EmbeddingConfig config(*source);
  config.pooling = llama::Pooling::Last;
  const auto embedder = llama::EmbeddingModel::load(config);
  if (!embedder) return std::println(stderr, "{}", embedder.error().message), 1;
  const llama::ModelLoader loader;
  const auto loaded = loader.load_model({.source = *source});
  if (!loaded) return std::println(stderr, "{}", loaded.error().message), 1;
  if (loaded->model.get() != &(*embedder)->model()) return std::println(stderr, "the model was loaded twice"), 1;
  const auto server = llama::AgentServer::create(loaded->model);
  if (!server) return std::println(stderr, "{}", server.error().message), 1;

  const auto vector = (*embedder)->embed_text("Hello world");
  if (!vector) return std::println(stderr, "{}", vector.error().message), 1;
  const auto session = (*server)->create_session();
  if (!session || !(*server)->add_message(session->id, {.content = "Hello"})) return 1;
  const auto reply = (*server)->generate({.session_id = session->id, .stopping = {.max_tokens = 4}});
  if (!reply) return std::println(stderr, "{}", reply.error().message), 1;
  std::println("{} values, {} tokens, one model", vector->embedding.size(), reply->usage.generated_tokens);
}
