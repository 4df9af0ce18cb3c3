#include "llama-embedding/pooling_choice.h"

#include <gtest/gtest.h>

#include <vector>

namespace llama {
namespace {

TEST(PoolingChoice, FollowsTheCallerThenTheFileThenTheKindOfModel) {
  struct Row {
    const char* name;
    PoolingFacts facts;
    std::optional<Pooling> pooling;
    bool warns;
  };
  const std::vector<Row> rows{
      {"the caller wins", {Pooling::Cls, Pooling::Mean, true, ""}, Pooling::Cls, false},
      {"the file's own", {{}, Pooling::Last, false, ""}, Pooling::Last, false},
      {"an encoder", {{}, {}, true, ""}, Pooling::Mean, true},
      {"an embedding decoder", {{}, {}, false, "Qwen3-Embedding-0.6B"}, Pooling::Last, true},
      {"a generation model", {{}, {}, false, "SmolLM2"}, {}, false},
      {"a generation model, told how", {Pooling::Mean, {}, false, "SmolLM2"}, Pooling::Mean, false},
      {"a reranker", {{}, Pooling::Rank, true, ""}, {}, false},
      {"a reranker that does not say so", {{}, {}, true, "", true}, {}, false},
      {"a reranker, told how", {Pooling::Mean, {}, true, "", true}, Pooling::Mean, false},
      {"an embedding model with a head besides", {{}, Pooling::Cls, true, "", true}, Pooling::Cls, false},
      {"asked for none", {Pooling::None, {}, true, ""}, {}, false},
  };
  for (const Row& row : rows) {
    const auto choice = choose_pooling(row.facts);
    ASSERT_EQ(choice.has_value(), row.pooling.has_value()) << row.name;
    if (!choice) continue;
    EXPECT_EQ(choice->pooling, *row.pooling) << row.name;
    EXPECT_EQ(!choice->warning.empty(), row.warns) << row.name;
  }
}

TEST(PoolingChoice, TellsTheCallerThatItMayDecide) {
  EXPECT_EQ(choose_pooling({{}, {}, false, "SmolLM2"}).error().code, ErrorCode::NoPooling);
  EXPECT_EQ(choose_pooling({{}, Pooling::Rank, true, ""}).error().code, ErrorCode::InvalidModel);
}

}  // namespace
}  // namespace llama
