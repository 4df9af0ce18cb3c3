// What can go wrong, and what to do about it: error_handling MODEL
#include <llama-agent/agent_server.h>
#include <print>

namespace {

// A program acts on the code; people read the message.
std::string_view advice(llama::ErrorCode code) {
  switch (code) {
    case llama::ErrorCode::Busy:
      return "try again in a moment";
    case llama::ErrorCode::NotFound:
      return "begin a new session";
    case llama::ErrorCode::ContextFull:
      return "shorten the conversation, or let the oldest turns go (OverflowPolicy::DropOldest)";
    case llama::ErrorCode::Cancelled:
      return "nothing: it was asked for";
    case llama::ErrorCode::TimedOut:
      return "raise the time, or ask less at once";
    case llama::ErrorCode::InvalidArgument:
    case llama::ErrorCode::InvalidText:
      return "mend the request";
    default:
      return "report it";
  }
}

void show(std::string_view what, const llama::Result<llama::GenerationResponse>& reply) {
  if (reply) {
    std::println("{}: {} ({})", what, reply->generated_text, to_string(reply->finish_reason));
  } else {
    std::println("{}: {} -> {}", what, reply.error().message, advice(reply.error().code));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::println(stderr, "usage: error_handling MODEL"), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto made = llama::AgentServer::initialize(llama::ModelLoader(), {.source = *source}, {.context_tokens = 256});
  if (!made) return std::println(stderr, "{}", made.error().message), 1;
  llama::AgentServer& server = **made;

  show("no session", server.generate({.session_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"}));

  const auto session = server.create_session();
  if (!session) return 1;
  show("no message", server.generate({.session_id = session->id}));
  if (const auto added = server.add_message(session->id, {.content = "caf\xe9"}); !added) {
    std::println("no text: {} -> {}", added.error().message, advice(added.error().code));
  }

  std::string story;
  for (int i = 0; i < 400; ++i) story += "and then ";
  if (!server.add_message(session->id, {.content = story})) return 1;
  show("too long", server.generate({.session_id = session->id}));

  const auto other = server.create_session();
  if (!other || !server.add_message(other->id, {.content = "Hello"})) return 1;
  show("too hot", server.generate({.session_id = other->id, .sampling = {.temperature = 3.0F}}));
  show("right", server.generate({.session_id = other->id, .stopping = {.max_tokens = 8}}));

  server.shutdown();
  if (server.add_message(other->id, {.content = "Are you there?"})) {
    show("shut down", server.generate({.session_id = other->id}));
  }
}
