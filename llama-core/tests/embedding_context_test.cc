#include "llama-core/embedding_context.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "llama-base/memory.h"

namespace llama {
namespace {

std::shared_ptr<const Model> load(const char* name) {
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / name;
  auto model = Model::load(std::span(&path, 1));
  EXPECT_TRUE(model) << model.error().message;
  return model.value_or(nullptr);
}

std::vector<float> vector_of(EmbeddingContext& context, std::size_t sequence) {
  const auto vector = context.embedding(sequence);
  EXPECT_TRUE(vector) << vector.error().message;
  return {vector->begin(), vector->end()};
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(LoadedModel, KnowsItself) {
  const auto bert = load("bert.gguf");
  EXPECT_EQ(bert->architecture(), "bert");
  EXPECT_EQ(bert->embedding_dimension(), 64);
  EXPECT_EQ(bert->pooling(), Pooling::Mean);
  EXPECT_TRUE(bert->is_encoder());
  EXPECT_EQ(bert->special_token_count(), 2);
  EXPECT_TRUE(bert->closing_token());
  EXPECT_EQ(bert->metadata("no.such.key"), "");
  const auto bare = load("qwen3-embedding-bare.gguf");
  EXPECT_FALSE(bare->pooling());
  EXPECT_FALSE(bare->closing_token());
  EXPECT_FALSE(bare->is_encoder());
}

TEST(LoadedModel, CanBeStopped) {
  std::stop_source stop;
  stop.request_stop();
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / "bert.gguf";
  const auto model = Model::load(std::span(&path, 1), {.on_progress = {}, .stop = stop.get_token()});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::Cancelled);
}

class ContextOf : public testing::TestWithParam<const char*> {};

TEST_P(ContextOf, AVectorDoesNotDependOnItsNeighbours) {
  const auto model = load(GetParam());
  auto context = EmbeddingContext::create(model, {.max_tokens = 300, .max_sequences = 8});
  ASSERT_TRUE(context) << context.error().message;
  std::vector<std::vector<Token>> texts(4);
  const char* const lines[] = {"hello world", "the number of the long text is 42", "x", "hello"};
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = model->tokenize(lines[i], SpecialTokens::Parse).value();

  TokenBatch together;
  for (const auto& tokens : texts) ASSERT_TRUE(together.add_sequence(tokens));
  ASSERT_TRUE(context->compute(together));
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) vectors.push_back(vector_of(*context, i));

  for (std::size_t i = 0; i < texts.size(); ++i) {
    TokenBatch alone;
    ASSERT_TRUE(alone.add_sequence(texts[i]));
    ASSERT_TRUE(context->compute(alone));
    EXPECT_GT(cosine(vector_of(*context, 0), vectors[i]), 0.9999) << i;
  }
}

TEST_P(ContextOf, RefusesWhatLlamaCppWouldAbortOn) {
  const auto model = load(GetParam());
  auto context = EmbeddingContext::create(model, {.max_tokens = 8, .max_sequences = 2}).value();
  TokenBatch batch;
  EXPECT_EQ(context.compute(batch).error().code, ErrorCode::InvalidArgument);
  ASSERT_TRUE(batch.add_sequence(std::vector<Token>{1 << 30}));
  EXPECT_EQ(context.compute(batch).error().code, ErrorCode::InvalidArgument);
  batch.clear();
  ASSERT_TRUE(batch.add_sequence(std::vector<Token>{-1}));
  EXPECT_EQ(context.compute(batch).error().code, ErrorCode::InvalidArgument);
  batch.clear();
  ASSERT_TRUE(batch.add_sequence(std::vector<Token>(9, 1)));
  EXPECT_EQ(context.compute(batch).error().code, ErrorCode::ContextFull);
  batch.clear();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(batch.add_sequence(std::vector<Token>{1}));
  EXPECT_EQ(context.compute(batch).error().code, ErrorCode::ContextFull);
  EXPECT_EQ(context.embedding(0).error().code, ErrorCode::InvalidArgument);
  batch.clear();
  ASSERT_TRUE(batch.add_sequence(std::vector<Token>{1}));
  ASSERT_TRUE(context.compute(batch));  // still usable
  EXPECT_TRUE(context.embedding(0));
  EXPECT_EQ(context.embedding(1).error().code, ErrorCode::InvalidArgument);
}

TEST_P(ContextOf, StopsWhenAsked) {
  const auto model = load(GetParam());
  auto context = EmbeddingContext::create(model, {.max_tokens = 64, .max_sequences = 1}).value();
  TokenBatch batch;
  ASSERT_TRUE(batch.add_sequence(std::vector<Token>(64, 1)));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(context.compute(batch, stop.get_token()).error().code, ErrorCode::Cancelled);
  EXPECT_TRUE(context.compute(batch));
}

INSTANTIATE_TEST_SUITE_P(Models, ContextOf, testing::Values("bert.gguf", "qwen3.gguf"), [](const auto& test) {
  return std::string(test.param).substr(0, std::string_view(test.param).find('.'));
});

TEST(EmbeddingContext, RefusesNumbersOutOfRange) {
  const auto model = load("bert.gguf");
  for (const EmbeddingContextConfig& config : {EmbeddingContextConfig{.max_tokens = 0},
                                               {.max_sequences = 0},
                                               {.max_sequences = 1 << 20},
                                               {.threads = -1},
                                               {.pooling = Pooling::None},
                                               {.pooling = Pooling::Rank}}) {
    EXPECT_EQ(EmbeddingContext::create(model, config).error().code, ErrorCode::InvalidArgument);
  }
}

// Where it were tried, the kernel would end the process.
TEST(EmbeddingContext, SaysThatACacheDoesNotFit) {
  constexpr std::int32_t kTokens = 1 << 24;
  const auto room = internal::available_memory();
  if (!room || *room > std::uint64_t{24} * 1024 * kTokens) GTEST_SKIP() << "it may fit";
  const auto refused =
      EmbeddingContext::create(load("qwen3-wide.gguf"), {.max_tokens = kTokens, .pooling = Pooling::Last});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::OutOfMemory);
  EXPECT_TRUE(refused.error().message.contains("of memory are free")) << refused.error().message;
}

// A pair whose second text is empty is a sequence, and its tokens enter the model as vectors from the file.
TEST(EmbeddingContext, ComputesPairsWhoseSecondTextHasATypeOfItsOwn) {
  for (const char* name : {"bert.gguf", "bert-q5_0.gguf", "rerank-bert-q8_0.gguf"}) {
    const auto model = load(name);
    const auto tokens = model->tokenize("hello world, the number is 42", SpecialTokens::Text).value();
    auto context = EmbeddingContext::create(model, {.max_tokens = 128, .max_sequences = 4}).value();
    TokenBatch alone, pairs;
    ASSERT_TRUE(alone.add_sequence(tokens));
    ASSERT_TRUE(context.compute(alone));
    const auto expected = vector_of(context, 0);
    ASSERT_TRUE(pairs.add_sequence(tokens));
    ASSERT_TRUE(pairs.add_pair(tokens, tokens.size()));
    ASSERT_TRUE(pairs.add_pair(tokens, 3));
    ASSERT_TRUE(context.compute(pairs));
    EXPECT_GT(cosine(vector_of(context, 0), expected), 0.99999) << name;
    EXPECT_GT(cosine(vector_of(context, 1), expected), 0.99999) << name;
    EXPECT_LT(cosine(vector_of(context, 2), expected), 0.9999) << name;
    ASSERT_TRUE(context.compute(alone));  // tokens again
    EXPECT_GT(cosine(vector_of(context, 0), expected), 0.99999) << name;
  }
}

TEST(EmbeddingContext, RefusesPairsOfAModelWithoutTypes) {
  for (const char* name : {"qwen3.gguf", "rerank-xlmr.gguf"}) {
    auto context = EmbeddingContext::create(load(name), {.max_tokens = 64, .max_sequences = 4}).value();
    TokenBatch batch;
    ASSERT_TRUE(batch.add_pair(std::vector<Token>{5, 6, 7}, 1));
    EXPECT_EQ(context.compute(batch).error().code, ErrorCode::InvalidModel) << name;
  }
}

TEST(EmbeddingContext, GivesARerankersScores) {
  for (const auto& [name, outputs] : {std::pair("rerank-xlmr.gguf", 1u), std::pair("rerank-qwen3.gguf", 2u)}) {
    const auto model = load(name);
    EXPECT_EQ(model->class_labels().size(), outputs);
    auto context =
        EmbeddingContext::create(model, {.max_tokens = 64, .max_sequences = 4, .pooling = Pooling::Rank}).value();
    TokenBatch batch;
    for (const Token token : {5, 6, 7}) ASSERT_TRUE(batch.add_sequence(std::vector<Token>{token, 8, 9}));
    ASSERT_TRUE(context.compute(batch));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(context.embedding(i)->size(), outputs) << name;
    EXPECT_NE(context.embedding(0)->front(), context.embedding(1)->front()) << name;
  }
  EXPECT_EQ(load("rerank-qwen3.gguf")->class_labels(), (std::vector<std::string>{"yes", "no"}));
}

TEST(EmbeddingContext, ComputesAPrefixOnceForAllSequences) {
  const auto model = load("qwen3.gguf");
  const auto prefix = model->tokenize_part("the prompt that all have: ", SpecialTokens::Parse).value();
  auto context = EmbeddingContext::create(model, {.max_tokens = 300, .max_sequences = 8, .pooling = Pooling::Last});
  ASSERT_TRUE(context) << context.error().message;
  ASSERT_TRUE(context->takes_prefix(300));
  TokenBatch batch;
  ASSERT_TRUE(batch.set_prefix(prefix));
  const std::vector<std::vector<Token>> texts{{1, 2, 3}, {1}, {9, 8, 7, 6, 5}, {1, 2, 3}};
  for (const auto& own : texts) ASSERT_TRUE(batch.add_sequence(own));
  ASSERT_TRUE(context->compute(batch));
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) vectors.push_back(vector_of(*context, i));
  EXPECT_LT(cosine(vectors[0], vectors[2]), 0.999);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::vector<Token> whole = prefix;
    whole.insert(whole.end(), texts[i].begin(), texts[i].end());
    batch.clear();
    ASSERT_TRUE(batch.add_sequence(whole));
    ASSERT_TRUE(context->compute(batch));
    EXPECT_GT(cosine(vector_of(*context, 0), vectors[i]), 0.9999) << i;
  }
}

TEST(EmbeddingContext, RefusesAPrefixWhereTokensSeeWhatFollowsOrAllVectorsCount) {
  for (const auto& [name, pooling] : {std::pair{"bert.gguf", Pooling::Last}, std::pair{"bert.gguf", Pooling::Mean},
                                      std::pair{"qwen3.gguf", Pooling::Mean}, std::pair{"qwen3.gguf", Pooling::Cls}}) {
    auto context =
        EmbeddingContext::create(load(name), {.max_tokens = 64, .max_sequences = 2, .pooling = pooling}).value();
    EXPECT_FALSE(context.takes_prefix(10)) << name;
    TokenBatch batch;
    ASSERT_TRUE(batch.set_prefix(std::vector<Token>{1, 2}));
    ASSERT_TRUE(batch.add_sequence(std::vector<Token>{3}));
    EXPECT_EQ(context.compute(batch).error().code, ErrorCode::InvalidArgument) << name;
    batch.clear();
    ASSERT_TRUE(batch.add_sequence(std::vector<Token>{3}));
    EXPECT_TRUE(context.compute(batch)) << name;  // still usable
  }
}

TEST(EmbeddingContext, SeveralThreadsShareAModel) {
  const auto model = load("qwen3.gguf");
  const auto tokens = model->tokenize("hello world", SpecialTokens::Parse).value();
  std::vector<std::vector<float>> vectors(3);
  {
    std::vector<std::jthread> threads;
    threads.reserve(vectors.size());
    for (auto& vector : vectors) {
      threads.emplace_back([&] {
        auto context = EmbeddingContext::create(model, {.max_tokens = 64, .max_sequences = 1, .threads = 1}).value();
        TokenBatch batch;
        for (int i = 0; i < 5; ++i) {
          batch.clear();
          if (!batch.add_sequence(tokens) || !context.compute(batch)) return;
        }
        vector = vector_of(context, 0);
      });
    }
  }
  for (const auto& vector : vectors) EXPECT_EQ(vector, vectors[0]);
  EXPECT_FALSE(vectors[0].empty());
}

}  // namespace
}  // namespace llama
