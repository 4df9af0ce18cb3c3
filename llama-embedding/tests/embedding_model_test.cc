#include "llama-embedding/embedding_model.h"

#include <thread>

#include "test_models.h"

namespace llama {
namespace {

TEST(EmbeddingModel, EmbedsAText) {
  const auto model = load("bert.gguf");
  const auto result = model->embed_text("hello world");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->text, "hello world");
  EXPECT_EQ(result->text_hash, "5eb63bbbe01eeed093cb22bb8f5acdc3");  // RFC 1321's MD5 of it
  EXPECT_EQ(result->embedding.size(), 64u);
  EXPECT_EQ(result->sequence_length, 4u);
  EXPECT_FALSE(result->truncated);
}

TEST(EmbeddingModel, KnowsItself) {
  const auto model = load("bert.gguf");
  EXPECT_EQ(model->embedding_dimension(), 64);
  EXPECT_EQ(model->pooling(), Pooling::Mean);
  EXPECT_EQ(model->max_sequence_length(), 2560);
  EXPECT_EQ(model->metadata().filename, "bert.gguf");
  EXPECT_GT(model->metadata().size_bytes, 1000u);
  EXPECT_FALSE(model->metadata().cache_hit);
  EXPECT_EQ(model->warning(), "");
}

TEST(EmbeddingModel, NormalizesOnlyWhenAsked) {
  const auto length = [](const std::vector<float>& v) {
    double sum = 0;
    for (const float x : v) sum += static_cast<double>(x) * x;
    return std::sqrt(sum);
  };
  const auto raw = load("bert.gguf")->embed_text("hello")->embedding;
  const auto unit = load("bert.gguf", [](auto& c) { c.normalize_embeddings = true; })->embed_text("hello")->embedding;
  EXPECT_GT(std::abs(length(raw) - 1), 1e-3);
  EXPECT_NEAR(length(unit), 1, 1e-5);
  EXPECT_GT(cosine(raw, unit), 0.99999);
}

TEST(EmbeddingModel, CutsATextAndKeepsItsClosingToken) {
  const auto model = load("bert.gguf", [](auto& c) { c.max_sequence_length = 5; });
  const auto cut = model->embed_text("hello world and the text");
  EXPECT_TRUE(cut->truncated);
  EXPECT_EQ(cut->sequence_length, 5u);
  EXPECT_GT(cosine(cut->embedding, load("bert.gguf")->embed_text("hello world and")->embedding), 0.9999);
}

// By WordPiece, and by llama.cpp, which is given a long text in parts.
TEST(EmbeddingModel, CountsTheTokensThatACutLeavesOut) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "hello world ";
  for (const std::string name : {"bert.gguf", "qwen3.gguf"}) {
    const auto whole = load(name);
    const auto cut = load(name, [](auto& c) { c.max_sequence_length = 5; });
    const auto limit = static_cast<std::size_t>(whole->max_sequence_length());
    const std::string fits = text.substr(0, std::size_t{12} * 20);
    ASSERT_FALSE(whole->tokenize(fits)->truncated) << name;
    EXPECT_EQ(whole->count_tokens(fits).value(), whole->tokenize(fits)->tokens.size()) << name;
    EXPECT_EQ(cut->count_tokens(fits).value(), whole->tokenize(fits)->tokens.size()) << name;
    EXPECT_TRUE(whole->tokenize(text)->truncated) << name;
    EXPECT_GT(whole->count_tokens(text).value(), 40'000u) << name;
    EXPECT_EQ(cut->count_tokens(text).value(), whole->count_tokens(text).value()) << name;
    EXPECT_EQ(whole->tokenize(text)->tokens.size(), limit) << name;
  }
  const auto bert = load("bert.gguf");
  EXPECT_EQ(bert->count_tokens(text).value(), 40'002u);  // [CLS], two words 20,000 times, [SEP]
  EXPECT_EQ(bert->count_tokens("").value(), 2u);
}

TEST(EmbeddingModel, TakesTheContextAsItsMaximumLength) {
  const auto model = load("bert.gguf", [](auto& c) { c.max_sequence_length = 1'000'000; });
  EXPECT_EQ(model->max_sequence_length(), 2560);
  EXPECT_NE(model->warning().find("1000000"), std::string::npos);
}

TEST(EmbeddingModel, RefusesWhatMeansNothing) {
  const auto code = [](const std::string& name, const std::function<void(EmbeddingConfig&)>& change) {
    EmbeddingConfig config = config_of(name);
    change(config);
    const auto model = EmbeddingModel::load(config);
    return model ? std::optional<ErrorCode>() : model.error().code;
  };
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.batch_size = 0; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.token_budget = -1; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.threads = -1; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.max_sequence_length = 0; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.max_sequence_length = 2; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("bert.gguf", [](auto& c) { c.pooling = Pooling::Rank; }), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("llama.gguf", [](auto&) {}), ErrorCode::NoPooling);
  EXPECT_EQ(code("none.gguf", [](auto&) {}), ErrorCode::NotFound);
  EXPECT_EQ(code("text.gguf", [](auto&) {}), ErrorCode::InvalidModel);
}

TEST(EmbeddingModel, RefusesATextThatIsNotUtf8) {
  EXPECT_EQ(load("bert.gguf")->embed_text("\xff").error().code, ErrorCode::InvalidText);
}

TEST(EmbeddingModel, ManyThreadsMayEmbed) {
  const auto model = load("qwen3.gguf");
  const auto expected = model->embed_text("hello")->embedding;
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) EXPECT_GT(cosine(model->embed_text("hello")->embedding, expected), 0.9999);
    });
  }
}

TEST(EmbeddingModel, TellsHowFarLoadingIs) {
  double last = -1;
  load("bert.gguf", [&](auto& c) { c.on_load_progress = [&](double fraction) { last = fraction; }; });
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace llama
