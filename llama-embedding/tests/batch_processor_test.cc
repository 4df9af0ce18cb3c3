#include "llama-embedding/batch_processor.h"

#include <unistd.h>

#include <fstream>

#include "llama-embedding/line_reader.h"
#include "test_models.h"

namespace llama {
namespace {

const std::vector<std::string> kTexts{"hello world",          "x",   "the number of the long text is 42", "hello",
                                      std::string("a\0b", 3), "短い"};

struct TextFile {
  explicit TextFile(const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("texts-" + std::to_string(::getpid()))) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TextFile() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

BatchProcessor processor(std::int32_t batch_size = 4) {
  return BatchProcessor::create(load("bert.gguf"), batch_size).value();
}

std::vector<EmbeddingResult> drain(EmbeddingStream& stream) {
  std::vector<EmbeddingResult> results;
  for (;;) {
    auto next = stream.next();
    EXPECT_TRUE(next) << next.error().message;
    if (!next || !*next) return results;
    results.push_back(std::move(**next));
  }
}

TEST(BatchProcessor, GivesResultsInTheOrderOfTheTexts) {
  const auto model = load("bert.gguf");
  auto results = BatchProcessor::create(model, 2).value().process_batch(kTexts);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), kTexts.size());
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_EQ((*results)[i].text, kTexts[i]);
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

TEST(EmbeddingStream, GivesTheLinesInOrderAndCounts) {
  std::string content = "\xef\xbb\xbf";
  for (int i = 0; i < 3000; ++i) content += "number " + std::to_string(i) + (i % 2 == 0 ? "\n" : "\r\n");
  const TextFile file(content + "\n \nbad \xff\nlast");
  StreamOptions options;
  std::vector<std::uint64_t> failures;
  std::uint64_t calls = 0, bytes = 0;
  options.on_failure = [&](const TextFailure& failure) { failures.push_back(failure.line); };
  options.on_progress = [&](const BatchStatistics& statistics) { ++calls, bytes = statistics.bytes; };
  auto stream = processor(32).process_file(file.path, options);
  ASSERT_TRUE(stream) << stream.error().message;
  const auto results = drain(*stream);
  ASSERT_EQ(results.size(), 3001u);
  for (std::size_t i = 0; i < 3000; ++i) EXPECT_EQ(results[i].text, "number " + std::to_string(i));
  EXPECT_EQ(results.back().text, "last");
  EXPECT_EQ(failures, std::vector<std::uint64_t>{3003});
  const BatchStatistics& statistics = stream->statistics();
  EXPECT_EQ(statistics.texts, 3001u);
  EXPECT_EQ(statistics.skipped, 2u);
  EXPECT_EQ(statistics.failed, 1u);
  EXPECT_EQ(statistics.truncated, 0u);
  EXPECT_EQ(calls, statistics.batches);
  EXPECT_EQ(bytes, count_texts(file.path).value()->bytes);
  EXPECT_EQ(bytes, statistics.bytes);
}

TEST(EmbeddingStream, StopsAtTheFirstBadLineWhenAsked) {
  const TextFile file("one\nbad \xff\nthree\n");
  auto stream =
      processor().process_file(file.path, {.stop_on_error = true, .on_failure = {}, .on_progress = {}, .stop = {}});
  const auto first = stream->next();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::InvalidText);
  const auto second = stream->next();  // over
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
}

TEST(EmbeddingStream, CanBeStoppedOrLeftInTheMiddle) {
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += "the number of the long text is " + std::to_string(i) + "\n";
  const TextFile file(content);
  std::stop_source stop;
  auto stopped = processor().process_file(file.path, {.stop_on_error = false,
                                                      .on_failure = {},
                                                      .on_progress = [&](const auto&) { stop.request_stop(); },
                                                      .stop = stop.get_token()});
  const auto next = stopped->next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::Cancelled);
  auto left = processor().process_file(file.path);
  EXPECT_TRUE(left->next());
}

TEST(EmbeddingStream, NamesAFileThatIsNotThere) {
  EXPECT_EQ(processor().process_file("/nowhere/texts").error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace llama
