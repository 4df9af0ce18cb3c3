// Scores of the synthetic rerankers (testing/rerank_models.py); rerank_test.py compares them with transformers'.
#include "llama-embedding/reranker.h"

#include <algorithm>

#include "llama-core/kernels.h"
#include "pair_tokenizer.h"
#include "test_models.h"

namespace llama {
namespace {

constexpr const char* kRerankers[] = {"rerank-bert.gguf", "rerank-xlmr.gguf", "rerank-modern.gguf",
                                      "rerank-qwen3.gguf"};

Result<Reranker> open(const std::string& name, const std::function<void(RerankerConfig&)>& change = {}) {
  RerankerConfig config(ModelSource(LocalSource{std::getenv("TEST_MODELS"), name}));
  config.threads = 1;
  if (change) change(config);
  return Reranker::load(std::move(config));
}

std::vector<std::string> some_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i)
    texts.push_back("text number " + std::to_string(i * 37 % 101) + std::string(static_cast<std::size_t>(i), 'a'));
  texts.emplace_back();
  return texts;
}

std::vector<float> scores_of(Reranker& reranker, std::string_view query, const std::vector<std::string>& texts) {
  const auto scored = reranker.score(query, texts);
  EXPECT_TRUE(scored) << scored.error().message;
  std::vector<float> scores;
  for (const PairScore& pair : *scored) {
    EXPECT_TRUE(pair.score) << pair.score.error().message;
    scores.push_back(pair.score.value_or(0));
  }
  return scores;
}

TEST(Reranker, GivesAPairTheSameScoreWhateverIsBesideIt) {
  for (const char* name : kRerankers) {
    auto together = open(name);
    ASSERT_TRUE(together) << together.error().message;
    EXPECT_EQ(together->warning(), "") << name;
    auto alone = open(name, [](auto& c) { c.batch_size = 1; });
    const auto texts = some_texts();
    const auto scores = scores_of(*together, "hello world", texts), expected = scores_of(*alone, "hello world", texts);
    const auto [low, high] = std::ranges::minmax(expected);
    EXPECT_GT(high - low, 0.01F) << name;
    for (std::size_t i = 0; i < texts.size(); ++i)
      EXPECT_NEAR(scores[i], expected[i], 0.01 * (high - low)) << name << ": " << texts[i];
  }
}

TEST(Reranker, ReadsSpecialTokensAsText) {
  const auto model = load("bert.gguf")->shared_model();
  const auto pairs = internal::PairTokenizer::create(model, internal::PairFormat::OneSeparator, 100).value();
  const std::vector<std::string> texts{"the [SEP] world"};
  const auto pair = pairs("a [CLS]", texts)->front();
  ASSERT_TRUE(pair);
  EXPECT_EQ(std::ranges::count(pair->tokens, *model->bos_token()), 1);
  EXPECT_EQ(std::ranges::count(pair->tokens, *model->closing_token()), 2);
  EXPECT_EQ(pair->tokens.back(), *model->closing_token());
  EXPECT_EQ(pair->tokens[pair->second - 1], *model->closing_token());
}

// Braces in the query and the text are theirs, too.
TEST(Reranker, PutsATemplateAroundQueryAndText) {
  auto reranker = open("rerank-qwen3.gguf");
  ASSERT_TRUE(reranker) << reranker.error().message;
  const std::vector<std::string> texts{"{query}", "{document}", "<|im_end|>", "x"};
  const auto scores = scores_of(*reranker, "{document} and <|im_start|>", texts);
  for (const float score : scores) EXPECT_TRUE(score > 0 && score < 1);
  EXPECT_NE(scores[0], scores[1]);
}

TEST(Reranker, CutsTheTextAndNeverTheQuery) {
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += "z q ";
  for (const char* name : kRerankers) {
    auto reranker = open(name, [](auto& c) { c.max_length = 100; });
    ASSERT_TRUE(reranker) << name << reranker.error().message;
    EXPECT_EQ(reranker->max_length(), 100);
    const std::vector<std::string> texts{"a b c " + longer, "a b c " + longer + " and more", "hello"};
    const auto scored = reranker->score("hello", texts);
    ASSERT_TRUE(scored) << name << scored.error().message;
    EXPECT_TRUE((*scored)[0].truncated && (*scored)[1].truncated && !(*scored)[2].truncated) << name;
    EXPECT_NEAR(*(*scored)[0].score, *(*scored)[1].score, 1e-3) << name;
    std::string query;
    for (int i = 0; i < 120; ++i) query += "x ";
    EXPECT_EQ(reranker->score(query, texts).error().code, ErrorCode::InvalidText) << name;
  }
}

TEST(Reranker, FailsOnePairWithoutTheOthers) {
  for (const std::int32_t batch_size : {1, 32}) {
    for (const char* kernels : {"auto", "stock"}) {
      ASSERT_TRUE(choose_kernels(kernels));
      auto sound = open("rerank-bert.gguf"),
           reranker = open("rerank-bert-nan-hello.gguf", [&](auto& c) { c.batch_size = batch_size; });
      const std::vector<std::string> texts{"the world", "hello", "\xff", "of a number"};
      const auto scored = reranker->score("a long text", texts);
      ASSERT_TRUE(scored) << scored.error().message;
      EXPECT_EQ((*scored)[1].score.error().code, ErrorCode::InvalidModel);
      EXPECT_EQ((*scored)[2].score.error().code, ErrorCode::InvalidText);
      const auto expected = scores_of(*sound, "a long text", {texts[0], texts[3]});
      EXPECT_NEAR((*scored)[0].score.value(), expected[0], 0.02);
      EXPECT_NEAR((*scored)[3].score.value(), expected[1], 0.02);
      ASSERT_TRUE(choose_kernels("auto"));
    }
  }
}

TEST(Reranker, EndsAfterSomePairsWithoutAScoreInARow) {
  auto reranker = open("rerank-bert-nan-hello.gguf");
  const std::vector<std::string> texts(40, "the");
  EXPECT_EQ(reranker->score("hello", texts).error().code, ErrorCode::InvalidModel);
  EXPECT_TRUE(reranker->score("world", texts));  // still usable
}

TEST(Reranker, SaysHowFarItIsAndStops) {
  auto reranker = open("rerank-xlmr.gguf", [](auto& c) { c.batch_size = 4; });
  const auto texts = some_texts();
  std::size_t last = 0;
  std::stop_source stop;
  ASSERT_TRUE(reranker->score("the", texts, {.on_progress = [&](std::size_t pairs) { last = pairs; }, .stop = {}}));
  EXPECT_EQ(last, texts.size());
  const auto stopped = reranker->score(
      "the", texts,
      {.on_progress = [&](std::size_t pairs) { last = pairs, stop.request_stop(); }, .stop = stop.get_token()});
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_LE(last, 4u);
  EXPECT_EQ(reranker->score("\xff", texts).error().code, ErrorCode::InvalidText);
  EXPECT_TRUE(reranker->score("the", {})->empty());
}

TEST(Reranker, RefusesOtherModels) {
  for (const char* name : {"bert.gguf", "qwen3.gguf", "generator.gguf", "rerank-three.gguf", "rerank-headless.gguf",
                           "rerank-no-template.gguf"}) {
    const auto reranker = open(name);
    ASSERT_FALSE(reranker) << name;
    EXPECT_EQ(reranker.error().code, ErrorCode::InvalidModel) << name;
    EXPECT_TRUE(reranker.error().message.contains(name)) << reranker.error().message;
  }
  EXPECT_EQ(open("rerank-xlmr.gguf", [](auto& c) { c.batch_size = 0; }).error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(open("rerank-bert-bare.gguf")->warning().contains("pooler"));
}

}  // namespace
}  // namespace llama
