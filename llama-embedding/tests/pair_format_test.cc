#include "pair_format.h"

#include <gtest/gtest.h>

namespace llama::internal {
namespace {

PairFacts encoder(const char* architecture, const char* tokenizer, std::size_t token_types) {
  return {.architecture = architecture,
          .tokenizer = tokenizer,
          .declared = {},
          .is_encoder = true,
          .ranks_by_last_token = false,
          .has_template = false,
          .labels = {"LABEL_0"},
          .dense = 64,
          .projection = 1,
          .token_types = token_types};
}

PairFacts qwen3() {
  return {.architecture = "qwen3",
          .tokenizer = "gpt2",
          .declared = Pooling::Rank,
          .is_encoder = false,
          .ranks_by_last_token = true,
          .has_template = true,
          .labels = {"yes", "no"},
          .dense = 0,
          .projection = 2,
          .token_types = 0};
}

TEST(PairFormat, IsThatOfThePublishedTokenizer) {
  struct Row {
    const char* name;
    PairFacts facts;
    PairFormat format;
    bool has_types;
  };
  const std::vector<Row> rows{
      {"BERT", encoder("bert", "bert", 2), PairFormat::OneSeparator, true},
      {"XLM-R", encoder("bert", "t5", 1), PairFormat::TwoSeparators, false},
      {"RoBERTa", encoder("bert", "gpt2", 1), PairFormat::TwoSeparators, false},
      {"RoBERTa's tokenizer gives one type, whatever the table has", encoder("jina-bert-v2", "gpt2", 2),
       PairFormat::TwoSeparators, false},
      {"ModernBERT, byte pairs", encoder("modern-bert", "gpt2", 0), PairFormat::OneSeparator, false},
      {"ModernBERT, WordPiece", encoder("modern-bert", "bert", 2), PairFormat::OneSeparator, false},
      {"Qwen3", qwen3(), PairFormat::Template, false},
  };
  for (const Row& row : rows) {
    const auto plan = plan_pairs(row.facts);
    ASSERT_TRUE(plan) << row.name << ": " << plan.error().message;
    EXPECT_EQ(plan->format, row.format) << row.name;
    EXPECT_EQ(plan->has_types, row.has_types) << row.name;
    EXPECT_EQ(plan->score, 0u) << row.name;
    EXPECT_EQ(plan->warning.empty(), row.facts.architecture != "jina-bert-v2") << row.name;
  }
}

TEST(PairFormat, TakesYesForTheScoreWhereverItStands) {
  PairFacts facts = qwen3();
  facts.labels = {"no", "yes"};
  EXPECT_EQ(plan_pairs(facts)->score, 1u);
}

TEST(PairFormat, WarnsOfALayerThatTheConverterLeftOut) {
  PairFacts facts = encoder("bert", "bert", 2);
  facts.dense = 0;
  EXPECT_TRUE(plan_pairs(facts)->warning.contains("pooler"));
  facts = encoder("jina-bert-v2", "gpt2", 2);
  facts.dense = 1;  // the score itself
  facts.projection = 0;
  EXPECT_TRUE(plan_pairs(facts)->warning.contains("pooler"));
}

TEST(PairFormat, RefusesWhatIsNoReranker) {
  struct Row {
    const char* name;
    PairFacts facts;
    const char* says;
  };
  std::vector<Row> rows{{"an embedding model", encoder("bert", "bert", 2), "no reranker"},
                        {"a conversion without the head", qwen3(), "lacks the layer"},
                        {"a classifier", encoder("bert", "bert", 2), "3 classes"},
                        {"two classes that are no yes and no", encoder("bert", "t5", 1), "2 classes"},
                        {"no template", qwen3(), "chat_template.rerank"},
                        {"DistilBERT", encoder("bert", "bert", 0), "DistilBERT"},
                        {"another causal model", qwen3(), "'llama'"}};
  rows[0].facts.dense = rows[0].facts.projection = 0;
  rows[1].facts.projection = 0;
  rows[2].facts.labels = {"entailment", "neutral", "contradiction"};
  rows[3].facts.labels = {"LABEL_0", "LABEL_1"};
  rows[4].facts.has_template = false;
  rows[6].facts.architecture = "llama";
  rows[6].facts.ranks_by_last_token = false;
  for (const Row& row : rows) {
    const auto plan = plan_pairs(row.facts);
    ASSERT_FALSE(plan) << row.name;
    EXPECT_EQ(plan.error().code, ErrorCode::InvalidModel) << row.name;
    EXPECT_TRUE(plan.error().message.contains(row.says)) << row.name << ": " << plan.error().message;
  }
}

}  // namespace
}  // namespace llama::internal
