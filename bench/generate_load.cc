// Put a load on an AgentServer and say what came of it, as one JSON object.
//
//   generate_load MODEL '{"context": 4096, "parallel": 8, …}' <requests.jsonl
//
// Each line of standard input is a round: a JSON array of requests that begin together, and the next round begins when
// all have ended. A request: {"session": NAME, "text": …, "tokens": N, "after_ms": 0, "keep": true}; a session of the
// same name goes on where it stood. The template is the messages' text and nothing else, so that peers can be given
// the same prompt.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <print>
#include <thread>

#include "llama-agent/agent_server.h"

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

double ms(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

template <class T>
T or_exit(llama::Result<T> result) {
  if (result) return std::move(*result);
  std::println(stderr, "{}", result.error().message);
  std::exit(1);
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    long kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

struct Load {
  llama::AgentServer& server;
  std::mutex mutex;
  std::map<std::string, std::string> ids;

  std::string id_of(const std::string& name) {
    const std::lock_guard lock(mutex);
    auto& id = ids[name];
    if (id.empty()) id = or_exit(server.create_session()).id;
    return id;
  }
  void forget(const std::string& name) {
    const std::lock_guard lock(mutex);
    static_cast<void>(server.sessions().remove(ids[name]));
    ids.erase(name);
  }

  Json answer(const Json& wish, Clock::time_point round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(wish.value("after_ms", 0)));
    const auto name = wish.at("session").get<std::string>();
    llama::GenerationRequest request{.session_id = id_of(name)};
    if (auto added = server.add_message(request.session_id, {.content = wish.at("text")}); !added) {
      return {{"session", name}, {"error", added.error().message}};
    }
    request.sampling.temperature = wish.value("temperature", 0.0F);
    request.stopping.max_tokens = wish.value("tokens", 64);
    request.stopping.end_of_sequence = false;
    const auto began = Clock::now();
    Json gaps = Json::array();
    double first = 0;
    auto stream = server.generate_stream(request);
    if (!stream) return {{"session", name}, {"error", stream.error().message}};
    for (auto last = began;;) {
      auto chunk = stream->next();
      if (!chunk) return {{"session", name}, {"error", chunk.error().message}};
      if (!*chunk) break;
      const auto now = Clock::now();
      if (first == 0) {
        first = ms(now - began);
      } else if (wish.value("gaps", false)) {
        gaps.push_back({ms(now - round), ms(now - last)});
      }
      last = now;
    }
    const auto ended = Clock::now();
    const auto& response = stream->response();
    if (!wish.value("keep", true)) forget(name);
    return {{"session", name},
            {"began_ms", ms(began - round)},
            {"ended_ms", ms(ended - round)},
            {"first_ms", first},
            {"prompt_ms", response.prompt_time.count()},
            {"generation_ms", response.generation_time.count()},
            {"prompt_tokens", response.usage.prompt_tokens},
            {"reused_tokens", response.usage.reused_tokens},
            {"generated_tokens", response.usage.generated_tokens},
            {"text", wish.value("show", false) ? response.generated_text : ""},
            {"gaps", std::move(gaps)}};
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::println(stderr, "usage: generate_load MODEL CONFIG <ROUNDS"), 2;
  const Json wishes = Json::parse(argv[2]);
  const llama::ModelLoader loader;
  auto source = or_exit(llama::ModelSource::parse(argv[1]));
  llama::AgentConfig config;
  config.chat_template =
      or_exit(llama::ChatTemplate::parse({.source = "{% for m in messages %}{{ m['content'] }}{% endfor %}"}));
  config.context_tokens = wishes.value("context", 4096);
  config.parallel = wishes.value("parallel", 1);
  config.batch_tokens = wishes.value("batch", 512);
  config.threads = wishes.value("threads", 0);
  config.queue.idle_memory_bytes = wishes.value("idle_bytes", std::uint64_t{1} << 30);
  config.queue.request_timeout = std::chrono::hours(24);
  auto server = or_exit(
      llama::AgentServer::initialize(loader, {.source = std::move(source), .on_progress = {}, .stop = {}}, config));

  Load load{.server = *server, .mutex = {}, .ids = {}};
  for (std::string line; std::getline(std::cin, line);) {
    const Json round = Json::parse(line);
    std::vector<Json> answers(round.size());
    const auto began = Clock::now();
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < round.size(); ++i) {
        threads.emplace_back([&, i] { answers[i] = load.answer(round[i], began); });
      }
    }
    std::cout << Json{{"wall_ms", ms(Clock::now() - began)},
                      {"resident_kib", resident_kib()},
                      {"longest_step_ms", server->metrics().longest_step.count()},
                      {"answers", answers}}
                     .dump()
              << std::endl;
  }
}
