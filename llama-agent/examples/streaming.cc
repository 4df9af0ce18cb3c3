// Print answers to several questions as they come, all at once: streaming MODEL QUESTION…
#include <llama-agent/agent_server.h>
#include <map>
#include <print>

int main(int argc, char** argv) {
  if (argc < 3) return std::println(stderr, "usage: streaming MODEL QUESTION..."), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto server = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source}, {.parallel = argc - 2});
  if (!server) return std::println(stderr, "{}", server.error().message), 1;

  // All begin now and share each step of the model; a stream that nobody reads yet loses nothing.
  std::map<int, llama::GenerationStream> streams;
  for (int i = 2; i < argc; ++i) {
    const auto session = (*server)->create_session();
    if (!session || !(*server)->add_message(session->id, {.content = argv[i]})) return 1;
    auto stream = (*server)->generate_stream({.session_id = session->id, .stopping = {.max_tokens = 64}});
    if (!stream) return std::println(stderr, "{}", stream.error().message), 1;
    streams.emplace(i, std::move(*stream));
  }
  for (auto& [i, stream] : streams) {
    std::println("> {}", argv[i]);
    for (;;) {
      const auto chunk = stream.next();
      if (!chunk) return std::println(stderr, "{}", chunk.error().message), 1;
      if (!*chunk) break;
      std::print("{}", (*chunk)->text);
    }
    std::println("\n  ({}, {} tokens)", to_string(stream.response().finish_reason),
                 stream.response().usage.generated_tokens);
  }
}
