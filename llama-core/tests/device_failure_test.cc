// A GPU that fails (testing/fake_gpu.cc), and contexts of several sequences that go on without it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "llama-core/embedding_context.h"
#include "llama-core/generation_context.h"

namespace llama {
namespace {

// Before the first test: the back ends are looked for once.
const int kFakeGpu = ::setenv("GGML_BACKEND_PATH", FAKE_GPU, 1);

void break_gpu() { ::setenv("FAKE_GPU_FAIL", "1", 1); }
void mend_gpu() { ::unsetenv("FAKE_GPU_FAIL"); }

struct Loaded {
  std::shared_ptr<std::vector<std::string>> notices = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<const Model> model;
};

Loaded load(const char* name, const DeviceChoice& device = {}, std::function<void(std::string_view)> also = {}) {
  Loaded loaded;
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / name;
  auto model = Model::load(std::span(&path, 1), {.on_progress = {},
                                                 .stop = {},
                                                 .device = device,
                                                 .on_notice = [notices = loaded.notices, also](std::string_view line) {
                                                   notices->emplace_back(line);
                                                   if (also) also(line);
                                                 }});
  EXPECT_TRUE(model) << model.error().message;
  loaded.model = model.value_or(nullptr);
  return loaded;
}

GenerationContext make(const std::shared_ptr<const Model>& model) {
  auto context =
      GenerationContext::create(model, {.context_tokens = 256, .max_sequences = 3, .batch_tokens = 16, .threads = 2});
  EXPECT_TRUE(context) << context.error().message;
  return std::move(*context);
}

std::vector<Token> some_tokens(std::size_t count, Token first) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < count; ++i) tokens.push_back(5 + (first + static_cast<Token>(i) * 7) % 40);
  return tokens;
}

// In parts of at most 16; the logits after the last token.
std::vector<float> read(GenerationContext& context, const std::vector<Token>& tokens, std::int32_t sequence,
                        std::int32_t from = 0, const std::stop_token& stop = {}) {
  std::vector<PlacedToken> batch;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    batch.push_back({tokens[i], sequence, from + static_cast<std::int32_t>(i), i + 1 == tokens.size()});
    if (batch.size() < 16 && i + 1 < tokens.size()) continue;
    const auto computed = context.decode(batch, stop);
    EXPECT_TRUE(computed) << computed.error().message;
    if (!computed) return {};
    if (i + 1 < tokens.size()) batch.clear();
  }
  const auto logits = context.logits(batch.size() - 1);
  EXPECT_TRUE(logits);
  return {logits->begin(), logits->end()};
}

void expect_close(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  EXPECT_LT(most, 2e-2);  // other kernels and batch shapes round otherwise
}

// Three sequences, one of which begins as another and was cut; then a token more in each.
struct Story {
  std::vector<std::vector<float>> ends;
  std::vector<std::int32_t> lengths;
};

Story tell(const std::shared_ptr<const Model>& model, const std::function<void()>& in_the_middle) {
  auto context = make(model);
  static_cast<void>(read(context, some_tokens(40, 1), 0));
  context.share(0, 1, 20);
  static_cast<void>(read(context, some_tokens(10, 3), 1, 20));
  EXPECT_TRUE(context.cut(0, 33));
  static_cast<void>(read(context, some_tokens(5, 9), 2));
  const auto saved = context.save(2, MemoryPart::Whole);
  EXPECT_TRUE(saved);
  context.clear(2);
  in_the_middle();
  Story story;
  story.ends.push_back(read(context, {7}, 0, 33));
  EXPECT_TRUE(context.restore(2, *saved, MemoryPart::Whole));
  story.ends.push_back(read(context, {7}, 1, 30));
  story.ends.push_back(read(context, {7}, 2, 5));
  for (std::int32_t s = 0; s < 3; ++s) story.lengths.push_back(context.length(s));
  return story;
}

TEST(DeviceFailure, LosesNoSequence) {
  const auto expected = tell(load("generator.gguf", {.name = "none"}).model, [] {});
  const auto loaded = load("generator.gguf");
  EXPECT_EQ(loaded.model->device(), "Fake0");
  const auto found = tell(loaded.model, break_gpu);
  mend_gpu();
  EXPECT_EQ(found.lengths, (std::vector<std::int32_t>{34, 31, 6}));
  EXPECT_EQ(found.lengths, expected.lengths);
  for (std::size_t i = 0; i < 3; ++i) expect_close(found.ends[i], expected.ends[i]);
  EXPECT_EQ(*loaded.notices, (std::vector<std::string>{"a batch does not fit on Fake0; computing on the CPU"}));
  EXPECT_EQ(loaded.model->device(), "CPU");
}

TEST(DeviceFailure, IsKnownToLaterContexts) {
  const auto loaded = load("generator.gguf");
  auto first = make(loaded.model);
  auto second = make(loaded.model);
  static_cast<void>(read(first, some_tokens(20, 1), 0));
  static_cast<void>(read(second, some_tokens(20, 1), 0));
  break_gpu();
  const auto a = read(first, {7}, 0, 20);
  mend_gpu();
  EXPECT_EQ(first.device(), "CPU");
  EXPECT_EQ(make(loaded.model).device(), "CPU");
  expect_close(read(second, {7}, 0, 20), a);  // still on the device, which is well again
  EXPECT_EQ(second.device(), "Fake0");
  break_gpu();
  static_cast<void>(read(second, {7}, 0, 21));
  mend_gpu();
  EXPECT_EQ(second.device(), "CPU");
  EXPECT_EQ(loaded.notices->size(), 1);
}

TEST(DeviceFailure, CanBeStoppedWhileItIsMadeGood) {
  std::stop_source stop;
  // The notice comes after the failure and before anything is read again.
  const auto loaded = load("generator.gguf", {}, [&](std::string_view) { stop.request_stop(); });
  auto context = make(loaded.model);
  static_cast<void>(read(context, some_tokens(100, 1), 0));
  break_gpu();
  const PlacedToken next{.token = 7, .sequence = 0, .position = 100, .wants_logits = true};
  const auto stopped = context.decode(std::span(&next, 1), stop.get_token());
  mend_gpu();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(context.length(0), 100);
  const auto found = read(context, {7}, 0, 100);
  EXPECT_EQ(context.length(0), 101);
  auto on_cpu = make(load("generator.gguf", {.name = "none"}).model);
  static_cast<void>(read(on_cpu, some_tokens(100, 1), 0));
  expect_close(found, read(on_cpu, {7}, 0, 100));
}

TEST(DeviceFailure, LetsItsListenerAskWhereTheModelComputes) {
  std::weak_ptr<const Model> model;
  std::string device;
  const auto loaded = load("generator.gguf", {}, [&](std::string_view) { device = model.lock()->device(); });
  model = loaded.model;
  auto context = make(loaded.model);
  break_gpu();
  static_cast<void>(read(context, {7}, 0));
  mend_gpu();
  EXPECT_EQ(device, "CPU");
}

std::vector<float> vector_of(EmbeddingContext& context, const std::vector<Token>& tokens) {
  TokenBatch batch;
  EXPECT_TRUE(batch.add_sequence(tokens));
  const auto computed = context.compute(batch);
  EXPECT_TRUE(computed) << computed.error().message;
  const auto vector = context.embedding(0);
  EXPECT_TRUE(vector);
  return vector ? std::vector<float>(vector->begin(), vector->end()) : std::vector<float>();
}

// With weights that our kernels hold larger than the file does, a few tokens would be ggml's without the rule: the same
// text in a context that was made for the CPU at once would have another vector, different in the third digit.
TEST(DeviceFailure, LeavesAContextThatComputesSmallBatchesAsOthersDo) {
  const EmbeddingContextConfig config{.max_tokens = 64, .max_sequences = 4, .threads = 1};
  auto on_cpu = EmbeddingContext::create(load("bert-q5_0.gguf", {.name = "none"}).model, config);
  auto fallen_back = EmbeddingContext::create(load("bert-q5_0.gguf").model, config);
  ASSERT_TRUE(on_cpu && fallen_back);
  break_gpu();
  const auto found = vector_of(*fallen_back, some_tokens(3, 1));
  mend_gpu();
  EXPECT_EQ(fallen_back->device(), "CPU");
  const auto expected = vector_of(*on_cpu, some_tokens(3, 1));
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    difference = std::max(difference, std::abs(static_cast<double>(found[i]) - expected[i]));
  }
  EXPECT_LT(difference, largest * 1e-5);
}

TEST(DeviceFailure, LosesNoText) {
  const auto loaded = load("bert.gguf");
  auto context = EmbeddingContext::create(loaded.model, {.max_tokens = 64, .max_sequences = 4, .threads = 2});
  ASSERT_TRUE(context) << context.error().message;
  TokenBatch batch;
  ASSERT_TRUE(batch.add_sequence(some_tokens(20, 1)));
  ASSERT_TRUE(context->compute(batch));
  const auto before = context->embedding(0);
  ASSERT_TRUE(before);
  const std::vector<float> expected(before->begin(), before->end());
  break_gpu();
  const auto computed = context->compute(batch);
  mend_gpu();
  ASSERT_TRUE(computed) << computed.error().message;
  const auto after = context->embedding(0);
  ASSERT_TRUE(after);
  expect_close({after->begin(), after->end()}, expected);
  EXPECT_EQ(context->device(), "CPU");
}

TEST(DeviceFailure, LosesNoTextBehindAPrefix) {
  const EmbeddingContextConfig config{.max_tokens = 64, .max_sequences = 4, .threads = 2, .pooling = Pooling::Last};
  auto context = EmbeddingContext::create(load("qwen3.gguf").model, config);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->device(), "Fake0");
  TokenBatch batch;
  ASSERT_TRUE(batch.set_prefix(some_tokens(12, 1)));
  for (const Token first : {3, 9, 4}) ASSERT_TRUE(batch.add_sequence(some_tokens(5, first)));
  std::vector<std::vector<float>> before, after;
  for (auto* vectors : {&before, &after}) {
    if (vectors == &after) break_gpu();
    const auto computed = context->compute(batch);
    mend_gpu();
    ASSERT_TRUE(computed) << computed.error().message;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto vector = context->embedding(i);
      ASSERT_TRUE(vector);
      vectors->emplace_back(vector->begin(), vector->end());
    }
  }
  EXPECT_EQ(context->device(), "CPU");
  for (std::size_t i = 0; i < 3; ++i) expect_close(after[i], before[i]);
}

}  // namespace
}  // namespace llama
