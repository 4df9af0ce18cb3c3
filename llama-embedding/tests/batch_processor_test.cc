#include "llama-embedding/batch_processor.h"

#include "test_models.h"

namespace llama {
namespace {

const std::vector<std::string> kTexts{"hello world",          "x",   "the number of the long text is 42", "hello",
                                      std::string("a\0b", 3), "短い"};

BatchProcessor processor(std::int32_t batch_size = 4) {
  return BatchProcessor::create(load("bert.gguf"), batch_size).value();
}

TEST(BatchProcessor, GivesResultsInTheOrderOfTheTexts) {
  const auto model = load("bert.gguf");
  auto results = BatchProcessor::create(model, 2).value().process_batch(kTexts);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), kTexts.size());
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_EQ((*results)[i].text, kTexts[i]);
    EXPECT_EQ((*results)[i].row, i);
    EXPECT_GT(cosine((*results)[i].embedding, model->embed_text(kTexts[i])->embedding), 0.9999) << kTexts[i];
  }
}

TEST(BatchProcessor, TakesNoTextsAtAll) { EXPECT_TRUE(processor().process_batch({})->empty()); }

TEST(BatchProcessor, NamesTheTextThatFails) {
  const std::vector<std::string> texts{"good", "\xff"};
  const auto results = processor().process_batch(texts);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::InvalidText);
  EXPECT_NE(results.error().message.find("text 1"), std::string::npos);
}

TEST(BatchProcessor, RefusesABatchSizeOfZeroAndNoModel) {
  EXPECT_EQ(BatchProcessor::create(load("bert.gguf"), 0).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(BatchProcessor::create(nullptr, 1).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
