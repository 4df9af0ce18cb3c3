// Answer a question, then a second one of the same conversation: basic_generation MODEL QUESTION [QUESTION…]
#include <llama-agent/agent_server.h>
#include <print>

int main(int argc, char** argv) {
  if (argc < 3) return std::println(stderr, "usage: basic_generation MODEL QUESTION..."), 2;

  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto server = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source});
  if (!server) return std::println(stderr, "{}", server.error().message), 1;
  const auto session = (*server)->create_session();
  if (!session) return std::println(stderr, "{}", session.error().message), 1;

  for (int i = 2; i < argc; ++i) {
    if (const auto added = (*server)->add_message(session->id, {.content = argv[i]}); !added) {
      return std::println(stderr, "{}", added.error().message), 1;
    }
    const auto reply = (*server)->generate({.session_id = session->id, .stopping = {.max_tokens = 64}});
    if (!reply) return std::println(stderr, "{}", reply.error().message), 1;
    std::println("{}", reply->generated_text);
    std::println("  ({} of {} prompt tokens were in memory already)", reply->usage.reused_tokens,
                 reply->usage.prompt_tokens);
  }
}
