// What throws on the way of a request, at every place: the request ends, its session is free, the next one is answered.
#include <gtest/gtest.h>

#include <atomic>

#include "../src/engine/engine.h"
#include "failing_new.h"
#include "llama-agent/agent_server.h"
#include "scripted_decoder.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;

// Throws at its call number `fails_at`, and at no other.
struct Fuse {
  std::atomic<int> calls = 0, fails_at = -1;
  void operator()() {
    if (calls++ == fails_at) throw std::bad_alloc();
  }
};

constexpr const char* kConversation =
    "{% for m in messages %}{{ m['role'] }}:{% if m['role'] == 'assistant' %}\x02{% endif %}{{ m['content'] }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:\x02{% endif %}";

std::unique_ptr<AgentServer> server_with(const ScriptedDecoder::Config& model) {
  auto chat_template = ChatTemplate::parse({.source = kConversation});
  EXPECT_TRUE(chat_template);
  auto server = AgentServer::create(std::make_unique<ScriptedDecoder>(model), std::move(*chat_template));
  EXPECT_TRUE(server);
  return std::move(*server);
}

void expect_idle(const AgentServer& server) {
  EXPECT_EQ(server.metrics().running, 0);
  EXPECT_EQ(server.metrics().queue_size, 0);
}

// Two sessions, so that slots are shared, saved and restored; short contexts, so that they have to be.
TEST(EngineFailure, ADecoderThatThrowsAtAnyCallLosesNoRequest) {
  for (const bool recurrent : {false, true}) {
    const auto fuse = std::make_shared<Fuse>();
    const ScriptedDecoder::Config model{.context_tokens = 300,
                                        .max_sequences = 2,
                                        .recurrent = recurrent,
                                        .reply = [](std::string_view) { return std::string("yes"); },
                                        .on_call = [fuse] { (*fuse)(); }};
    int total = 1;
    for (int k = -1; k < total; ++k) {
      const auto server = server_with(model);
      fuse->calls = 0;
      fuse->fails_at = k;
      std::vector<std::string> ids;
      for (const char c : {'a', 'b', 'c'}) {
        ids.push_back(server->create_session()->id);
        ASSERT_TRUE(server->add_message(ids.back(), {.content = std::string(60, c)}));
        const auto reply = server->generate({.session_id = ids.back(), .stopping = {.max_tokens = 10}});
        EXPECT_EQ(reply ? reply->generated_text : "yes", "yes");
        EXPECT_EQ(reply ? ErrorCode::OutOfMemory : reply.error().code, ErrorCode::OutOfMemory);
      }
      if (k == -1) total = fuse->calls;
      expect_idle(*server);
      for (const auto& id : ids) {
        ASSERT_TRUE(server->add_message(id, {.content = "again"}));
        const auto reply = server->generate({.session_id = id, .stopping = {.max_tokens = 10}});
        ASSERT_TRUE(reply) << "call " << k << " of " << total << ": " << reply.error().message;
        EXPECT_EQ(reply->generated_text, "yes");
      }
      const auto counts = server->metrics();
      EXPECT_EQ(counts.completed + counts.failed, counts.total_requests) << "call " << k;
    }
    EXPECT_GT(total, 40);
  }
}

std::unique_ptr<Job> job_for(std::string text, std::shared_ptr<ReplyStream> stream) {
  auto job = std::make_unique<Job>();
  text += ScriptedDecoder::kReply;
  for (const char c : text) job->prompt.push_back(static_cast<unsigned char>(c));
  job->sampler = std::make_unique<ScriptedDecoder::MostLikely>();
  job->stream = std::move(stream);
  return job;
}

Result<GenerationResponse> end_of(ReplyStream& stream) {
  for (;;) {
    const auto chunk = stream.next();
    if (!chunk) return std::unexpected(chunk.error());
    if (!*chunk) return stream.ended();
  }
}

TEST(EngineFailure, ACallbackThatThrowsCostsNobodyTheReply) {
  Engine engine(std::make_unique<ScriptedDecoder>(ScriptedDecoder::Config{}), {});
  for (const bool judging : {true, false}) {
    const auto stream = std::make_shared<ReplyStream>();
    auto job = job_for("hello", stream);
    std::weak_ptr<void> lease;
    job->lease = std::make_shared<int>(1);
    lease = job->lease;
    if (judging) job->judge = [](GenerationResponse&) { throw std::runtime_error("oops"); };
    if (!judging) {
      job->on_end = [](const GenerationResponse&, std::span<const Token>, std::string_view) -> std::string {
        throw std::bad_alloc();
      };
    }
    ASSERT_TRUE(engine.submit(std::move(job)));
    const auto reply = end_of(*stream);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->generated_text, "re: hello");
    EXPECT_EQ(reply->schema_violation, judging ? "the check failed: oops" : "");
    EXPECT_EQ(reply->not_kept, judging ? "" : "out of memory");
    EXPECT_TRUE(lease.expired()) << "the session is free before the reader sees the end";
    EXPECT_EQ(engine.metrics().running, 0);
  }
}

TEST(EngineFailure, AJobThatIsDroppedOnTheWayEnds) {
  const auto stream = std::make_shared<ReplyStream>();
  std::weak_ptr<void> lease;
  {
    const auto job = job_for("hello", stream);
    job->lease = std::make_shared<int>(1);
    lease = job->lease;
  }
  EXPECT_EQ(end_of(*stream).error().code, ErrorCode::OutOfMemory);
  EXPECT_TRUE(lease.expired());
}

// Memory runs out in the engine's thread, at one allocation after the other.
TEST(EngineFailure, NoAllocationThatFailsLosesARequest) {
  const auto budget = std::make_shared<std::atomic<long>>(-1);
  const ScriptedDecoder::Config model{.reply = [](std::string_view) { return std::string("a reply of some length"); },
                                      .on_call =
                                          [budget] {
                                            // The first call that finds a budget takes it for its thread, the engine's.
                                            if (const long k = budget->exchange(-1); k >= 0) allocations_to_go = k;
                                          }};
  Engine engine(std::make_unique<ScriptedDecoder>(model), {});
  int failed = 0, answered = 0;
  for (long k = 0; k < 700; ++k) {
    const auto stream = std::make_shared<ReplyStream>();
    auto job = job_for("a question that is longer than a short string", stream);
    job->on_end = [](const GenerationResponse&, std::span<const Token>, std::string_view raw) {
      return std::string(raw) + " is not kept, as long as that is";
    };
    budget->store(k);
    ASSERT_TRUE(engine.submit(std::move(job)));
    const auto reply = end_of(*stream);
    ++(reply ? answered : failed);
    EXPECT_EQ(engine.metrics().running, 0) << k;
    budget->store(-1);
    const auto healthy = std::make_shared<ReplyStream>();
    auto next = job_for("x", healthy);
    next->sampler = std::make_unique<ScriptedDecoder::MostLikely>([] { allocations_to_go = -1; });
    ASSERT_TRUE(engine.submit(std::move(next)));
    static_cast<void>(end_of(*healthy));
  }
  EXPECT_GT(failed, 50);
  const auto counts = engine.metrics();
  EXPECT_EQ(counts.completed + counts.failed, counts.total_requests);
}

// It waits for the only slot and is cancelled when its words find no memory.
TEST(EngineFailure, ARequestThatCannotBeToldWhyItEndsCostsNobodyElseTheReply) {
  const auto calls_to_go = std::make_shared<std::atomic<int>>(-1);  // until the middle of the first reply
  const auto cancel = std::make_shared<std::stop_source>(std::nostopstate);
  const auto budget = std::make_shared<std::atomic<long>>(-1);
  const ScriptedDecoder::Config model{.max_sequences = 1,
                                      .time_per_token = 100us,
                                      .reply = [](std::string_view) { return std::string(100, 'y'); },
                                      .on_call =
                                          [=] {
                                            if (calls_to_go->fetch_sub(1) != 0) return;
                                            cancel->request_stop();
                                            allocations_to_go = budget->load();
                                          }};
  Engine engine(std::make_unique<ScriptedDecoder>(model), {});
  // At which allocation the words are written depends on how fast the first reply is read: tried until it is met.
  constexpr long kAllocations = 20;
  int untold = 0;
  for (long k = 0; untold < 2 && k < 20 * kAllocations; ++k) {
    const auto running = std::make_shared<ReplyStream>(), waiting = std::make_shared<ReplyStream>();
    ASSERT_TRUE(engine.submit(job_for("first", running)));
    auto job = job_for("second", waiting);
    *cancel = job->cancel;
    budget->store(k % kAllocations);
    ASSERT_TRUE(engine.submit(std::move(job)));
    calls_to_go->store(50);
    const auto first = end_of(*running), second = end_of(*waiting);
    calls_to_go->store(-1);
    const bool is_untold = !second && second.error().code == ErrorCode::OutOfMemory;
    EXPECT_TRUE(!is_untold || first) << k << ": " << first.error().message;
    untold += is_untold ? 1 : 0;
    EXPECT_EQ(engine.metrics().queue_size, 0);
  }
  EXPECT_GT(untold, 0);
}

}  // namespace
}  // namespace llama::internal
