// Lanes beside one lane: the same vectors, and what their passes tell adds up.
#include "lane_team.h"

#include <chrono>
#include <condition_variable>
#include <format>
#include <mutex>

#include "embedder.h"
#include "llama-core/kernels.h"
#include "stream_tests.h"

namespace llama {
namespace {

constexpr int kThreads = 3;

std::vector<std::vector<Token>> tokens_of(const EmbeddingModel& model, std::size_t count) {
  std::vector<std::vector<Token>> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text = std::format("the number of text {} {}", i, std::string(i * 7919 % 60, 'a'));
    tokens.push_back(model.tokenize(text)->tokens);
  }
  return tokens;
}

std::vector<std::vector<float>> embed(internal::Embedder& embedder, std::span<const std::vector<Token>> tokens) {
  const std::vector<std::span<const Token>> views(tokens.begin(), tokens.end());
  auto embedded = embedder.embed(views, {});
  EXPECT_TRUE(embedded) << embedded.error().message;
  std::vector<std::vector<float>> vectors;
  if (embedded) {
    for (auto& text : *embedded) vectors.push_back(std::move(text.vector));
  }
  return vectors;
}

class Lanes : public testing::TestWithParam<const char*> {};

TEST_P(Lanes, GiveTheVectorsOfOne) {
  const auto one = load(GetParam(), [](auto& c) { c.threads = 1; });
  const auto some = load(GetParam(), [](auto& c) { c.threads = kThreads; });
  const auto tokens = tokens_of(*one, 400);
  internal::Embedder alone(one, 32), together(some, 32);
  EXPECT_EQ(alone.most_lanes(), 1u);
  EXPECT_EQ(together.most_lanes(), std::size_t{kThreads});
  const auto expected = embed(alone, tokens), vectors = embed(together, tokens);
  ASSERT_EQ(vectors.size(), expected.size());
  const bool exact = kernels_in_use().starts_with("packed");
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (exact) {
      ASSERT_EQ(vectors[i], expected[i]) << i;
    } else {
      ASSERT_GT(cosine(vectors[i], expected[i]), 0.9999) << i;
    }
  }
  // Once more, with all contexts at hand, and a call of so few texts that one lane has all threads.
  EXPECT_EQ(embed(together, tokens).back(), vectors.back());
  EXPECT_EQ(embed(together, std::span(tokens).first(1)).front(), vectors.front());
}

// Whose weights are not kept: the second call packs them to stay.
TEST_P(Lanes, GiveASingleTextTheVectorThatItHasAmongOthers) {
  const auto model = load(GetParam());
  const auto tokens = tokens_of(*model, 100);
  internal::Embedder first(model, 32);
  const auto one = std::span(tokens).first(1);
  const auto alone = embed(first, one), again = embed(first, one), longer = embed(first, std::span(tokens).first(3));
  internal::Embedder second(model, 32);
  const auto all = embed(second, tokens);
  const auto expect_same = [&](const std::vector<float>& got) {
    if (kernels_in_use().starts_with("packed")) {
      EXPECT_EQ(got, all.front());
    } else {
      EXPECT_GT(cosine(got, all.front()), 0.9999);
    }
  };
  for (const auto* vectors : {&alone, &again, &longer}) expect_same(vectors->front());
}

TEST_P(Lanes, ShareOutTheTimeThatWentBy) {
  const auto model = load(GetParam(), [](auto& c) { c.threads = kThreads; });
  const auto tokens = tokens_of(*model, 600);
  const std::vector<std::span<const Token>> views(tokens.begin(), tokens.end());
  internal::Embedder embedder(model, 32);
  std::size_t told = 0;
  const auto embedded = embedder.embed(views, {}, [&](std::span<const std::size_t> batch) { told += batch.size(); });
  ASSERT_TRUE(embedded) << embedded.error().message;
  EXPECT_EQ(told, tokens.size());
  std::uint64_t sum = 0;
  for (const auto& text : *embedded) sum += text.time_ms;
  const std::chrono::duration<double, std::milli> taken = embedder.compute_time();
  EXPECT_NEAR(static_cast<double>(sum), taken.count(), 4.0);  // rounded once for each trial and group of texts
}

INSTANTIATE_TEST_SUITE_P(Models, Lanes, testing::Values("bert.gguf", "qwen3.gguf"), [](const auto& test) {
  return std::string(test.param).substr(0, std::string(test.param).find('.'));
});

TEST(LaneTeam, HasOneLaneForFewBatchesAndForLongOnes) {
  const auto model = load("bert.gguf", [](auto& c) { c.threads = 40; });
  internal::BudgetTuner tuner(internal::BudgetChoice{});
  internal::LaneTeam team(*model, 32, tuner);
  EXPECT_EQ(team.lanes_for(7, 100), 1u);
  EXPECT_EQ(team.lanes_for(8, 100), 8u);
  EXPECT_EQ(team.lanes_for(1000, 1024), 16u);
  EXPECT_EQ(team.lanes_for(1000, 1025), 1u);
  ASSERT_TRUE(team.make_room_for(10, 100));
  EXPECT_EQ(team.lanes_for(3, 100), 3u);  // they are there
}

TEST(LaneTeam, HasFewerLanesOfDecoders) {
  const auto model = load("qwen3.gguf", [](auto& c) { c.threads = 40; });
  internal::BudgetTuner tuner(internal::BudgetChoice{});
  EXPECT_EQ(internal::LaneTeam(*model, 32, tuner).most_lanes(), 4u);
}

TEST(LaneTeam, EndsAllLanesWhenAsked) {
  const auto model = load("bert.gguf", [](auto& c) { c.threads = kThreads; });
  const auto tokens = tokens_of(*model, 2000);
  const std::vector<std::span<const Token>> views(tokens.begin(), tokens.end());
  internal::Embedder embedder(model, 4);
  std::stop_source stop;
  int batches = 0;
  const auto embedded = embedder.embed(views, stop.get_token(), [&](std::span<const std::size_t>) {
    if (++batches == 20) stop.request_stop();
  });
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().code, ErrorCode::Cancelled);
  EXPECT_LT(batches, 100);
  EXPECT_EQ(embed(embedder, tokens).size(), tokens.size());  // it can be used again
}

TEST(LaneTeam, EndsAtTextsWithoutAFiniteVectorOnWhateverLanes) {
  const auto model = load("qwen3-nan.gguf", [](auto& c) { c.threads = kThreads; });
  const auto tokens = tokens_of(*model, 200);
  const std::vector<std::span<const Token>> views(tokens.begin(), tokens.end());
  internal::Embedder embedder(model, 4);
  const auto embedded = embedder.embed(views, {});
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().code, ErrorCode::InvalidModel);
}

// The next window is computed while the caller has not asked for it: the source is read beyond what may wait.
TEST(EmbeddingStreamThreads, ComputeWhileTheCallerDoesSomethingElse) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t windows = 0;
  auto stream = stream_of(std::make_unique<ScriptedSource>([&](const std::stop_token&) -> Result<SourceBatch> {
    const std::scoped_lock lock(mutex);
    SourceBatch batch{.texts = {}, .skipped = 0, .state = windows < 8 ? SourceState::Pause : SourceState::End};
    for (std::uint64_t i = 0; i < 1024; ++i) batch.texts.push_back(text_of(windows * 1024 + i));
    ++windows;
    changed.notify_all();
    return batch;
  }));
  const auto first = stream.next_rows();
  ASSERT_TRUE(first) << first.error().message;
  // One is handed out, one answered, one being computed, one waits, one is being read: without a thread that computes
  // the fourth would never be asked for.
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return windows >= 4; })) << windows;
  lock.unlock();
  std::uint64_t rows = first->size();
  for (auto more = stream.next_rows(); more && !more->empty(); more = stream.next_rows()) rows += more->size();
  EXPECT_EQ(rows, 9 * 1024u);
  EXPECT_EQ(stream.statistics().texts, rows);
}

}  // namespace
}  // namespace llama
