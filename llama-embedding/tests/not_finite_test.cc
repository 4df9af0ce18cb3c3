// Models with a weight that is NaN (testing/make_models.py): no vector that is not finite ever comes out.
#include <map>

#include "embedder.h"
#include "llama-core/kernels.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_list.h"
#include "test_models.h"

namespace llama {
namespace {

// Contexts made meanwhile compute with ggml's own kernels, where a NaN spreads within a batch.
struct StockKernels {
  StockKernels() { EXPECT_TRUE(choose_kernels("stock")); }
  ~StockKernels() { EXPECT_TRUE(choose_kernels("auto")); }
};

struct Mixed {
  std::string model;
  std::string bad_word;
  friend void PrintTo(const Mixed& mixed, std::ostream* out) { *out << mixed.model; }
};

class NotFinite : public testing::TestWithParam<Mixed> {
 public:
  // Every tenth text has the word.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (int i = 0; i < 120; ++i) {
      all.push_back("the number of text " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 7), 'a'));
      if (is_bad(i)) all.back() += " " + GetParam().bad_word;
    }
    return all;
  }
  static bool is_bad(int i) { return i % 10 == 7; }

  // The sound rows are those of each text alone; the bad ones fail by themselves.
  void check(std::int32_t batch_size, std::int32_t threads = 1) const {
    // One thread: those of ggml's own team wait for each other busily, which takes long on a machine with other work.
    const auto model = load(GetParam().model, [&](auto& c) { c.threads = threads; });
    const auto sound =
        load(GetParam().model.substr(0, GetParam().model.find('-')) + ".gguf", [](auto& c) { c.threads = 1; });
    auto stream = BatchProcessor::create(model, batch_size)->process_source(std::make_unique<TextList>(texts()));
    int at = 0;
    for (;;) {
      const auto rows = stream->next_rows();
      ASSERT_TRUE(rows) << rows.error().message;
      if (rows->empty()) break;
      for (const RowResult& row : *rows) {
        if (is_bad(at)) {
          ASSERT_FALSE(row) << at;
          EXPECT_EQ(row.error().row, static_cast<std::uint64_t>(at));
          EXPECT_EQ(row.error().error.code, ErrorCode::InvalidModel);
          EXPECT_NE(row.error().error.message.find("row " + std::to_string(at)), std::string::npos);
        } else {
          ASSERT_TRUE(row) << at << row.error().error.message;
          EXPECT_TRUE(is_finite(row->embedding));
          EXPECT_GT(cosine(row->embedding, sound->embed_text(row->text)->embedding), 0.9999) << at;
        }
        ++at;
      }
    }
    EXPECT_EQ(at, 120);
    EXPECT_EQ(stream->statistics().texts, 108u);
    EXPECT_EQ(stream->statistics().failed, 12u);
    EXPECT_EQ(stream->statistics().not_finite, 12u);
  }
};

TEST_P(NotFinite, FailsOnlyTheTextsThatHaveTheToken) {
  for (const std::int32_t batch_size : {1, 8, 32}) check(batch_size);
}

TEST_P(NotFinite, FailsOnlyThoseOfPassesSideBySide) {
  for (const std::int32_t batch_size : {1, 8}) check(batch_size, 3);
}

TEST_P(NotFinite, FailsOnlyThoseWhereNanSpreadsInABatch) {
  const StockKernels stock;
  check(8);
}

TEST_P(NotFinite, IsToldForOneTextAndForAList) {
  const auto model = load(GetParam().model);
  const auto bad = model->embed_text("the " + GetParam().bad_word);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::InvalidModel);
  EXPECT_TRUE(model->embed_text("the"));
  const std::vector<std::string> list{"the", "a " + GetParam().bad_word, "of"};
  const auto results = BatchProcessor::create(model, 4)->process_batch(list);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::InvalidModel);
  EXPECT_NE(results.error().message.find("text 1"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Models, NotFinite,
                         testing::Values(Mixed{"bert-nan-hello.gguf", "hello"}, Mixed{"qwen3-nan-z.gguf", "zz"}),
                         [](const auto& test) { return test.param.model.substr(0, test.param.model.find('-')); });

// What a NaN leaves in the context's memory (the KV cache) must not reach the texts that are computed after it, each by
// itself: with ggml's own kernels it does where a text is long enough for their tiles.
TEST(NotFiniteModel, LeavesNothingBehindForTheNextTexts) {
  const StockKernels stock;
  const auto model = load("qwen3-nan-z.gguf", [](auto& c) { c.threads = 1; });
  std::vector<std::string> texts{std::string(250, 'z')};
  for (std::size_t length = 200; length > 0; length -= 25) texts.emplace_back(length, 'a');
  auto stream = BatchProcessor::create(model, 1)->process_source(std::make_unique<TextList>(texts));
  const auto rows = stream->next_rows();
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), texts.size());
  EXPECT_FALSE(rows->front());
  for (std::size_t i = 1; i < rows->size(); ++i) EXPECT_TRUE((*rows)[i]) << texts[i].size();
}

TEST(NotFiniteModel, EndsTheStreamAfterSomeTextsInARow) {
  const auto model = load("qwen3-nan.gguf");
  std::vector<std::string> texts(internal::kMaxNotFinite - 1, "text");
  const auto run = [&] {
    auto stream = BatchProcessor::create(model, 8)->process_source(std::make_unique<TextList>(texts));
    return stream->next_rows();
  };
  const auto few = run();
  ASSERT_TRUE(few) << few.error().message;
  EXPECT_EQ(few->size(), texts.size());
  for (const RowResult& row : *few) EXPECT_FALSE(row);
  texts.emplace_back("one more");
  const auto many = run();
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::InvalidModel);
  EXPECT_NE(many.error().message.find("gives no finite vector"), std::string::npos);
}

TEST(NotFiniteModel, EndsTheStreamAtTheFirstTextWhenAsked) {
  auto stream = BatchProcessor::create(load("qwen3-nan.gguf"), 8)
                    ->process_source(std::make_unique<TextList>(std::vector<std::string>{"a", "b"}),
                                     {.stop_on_error = true, .on_failure = {}, .on_progress = {}, .stop = {}});
  const auto next = stream->next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::InvalidModel);
  EXPECT_NE(next.error().message.find("row 0"), std::string::npos);
}

TEST(NotFiniteModel, MayGiveZeroVectorsWhichStayAsTheyAre) {
  for (const bool normalizes : {false, true}) {
    const auto model = load("qwen3-zero.gguf", [&](auto& c) { c.normalize_embeddings = normalizes; });
    const auto result = model->embed_text("hello");
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->embedding, std::vector<float>(64, 0.0F));
  }
}

}  // namespace
}  // namespace llama
