#include <unistd.h>

#include <algorithm>
#include <format>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "llama-embedding/text_file.h"
#include "llama-embedding/text_list.h"
#include "stream_tests.h"

namespace llama {
namespace {

struct TextsOnDisk {
  explicit TextsOnDisk(const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("texts-" + std::to_string(::getpid()))) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TextsOnDisk() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

TEST(EmbeddingStream, GivesTheLinesInOrderAndCounts) {
  std::string content = "\xef\xbb\xbf";
  for (int i = 0; i < 3000; ++i) content += "number " + std::to_string(i) + (i % 2 == 0 ? "\n" : "\r\n");
  const TextsOnDisk file(content + "\n \nbad \xff\nlast");
  StreamOptions options;
  std::vector<std::uint64_t> failures;
  std::uint64_t calls = 0, bytes = 0;
  options.on_failure = [&](const TextFailure& failure) { failures.push_back(failure.row); };
  options.on_progress = [&](const BatchStatistics& statistics) { ++calls, bytes = statistics.bytes; };
  auto stream = stream_processor(32).process_file(file.path, options);
  ASSERT_TRUE(stream) << stream.error().message;
  const auto results = drain(*stream);
  ASSERT_EQ(results.size(), 3001u);
  for (std::size_t i = 0; i < 3000; ++i) {
    EXPECT_EQ(results[i].text, "number " + std::to_string(i));
    EXPECT_EQ(results[i].row, i + 1);
  }
  EXPECT_EQ(results.back().text, "last");
  EXPECT_EQ(failures, std::vector<std::uint64_t>{3003});
  const BatchStatistics& statistics = stream->statistics();
  EXPECT_EQ(statistics.texts, 3001u);
  EXPECT_EQ(statistics.skipped, 2u);
  EXPECT_EQ(statistics.failed, 1u);
  EXPECT_EQ(statistics.not_finite, 0u);
  EXPECT_EQ(statistics.truncated, 0u);
  EXPECT_GE(calls, 1u);  // for several batches at once where this thread was busy
  EXPECT_LE(calls, statistics.batches);
  auto source = TextFile::open(file.path);
  ASSERT_TRUE((*source)->count());
  EXPECT_EQ(bytes, (*source)->total()->bytes);
  EXPECT_EQ(bytes, statistics.bytes);
}

TEST(EmbeddingStream, StopsAtTheFirstBadLineWhenAsked) {
  const TextsOnDisk file("one\nbad \xff\nthree\n");
  auto stream = stream_processor().process_file(
      file.path, {.stop_on_error = true, .on_failure = {}, .on_progress = {}, .stop = {}});
  const auto first = stream->next();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::InvalidText);
  EXPECT_EQ(first.error().message, "line 2: not valid UTF-8");
  const auto second = stream->next();  // over
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
}

TEST(EmbeddingStream, CanBeStoppedOrLeftInTheMiddle) {
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += "the number of the long text is " + std::to_string(i) + "\n";
  const TextsOnDisk file(content);
  std::stop_source stop;
  auto stopped = stream_processor().process_file(file.path, {.stop_on_error = false,
                                                             .on_failure = {},
                                                             .on_progress = [&](const auto&) { stop.request_stop(); },
                                                             .stop = stop.get_token()});
  const auto next = stopped->next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::Cancelled);
  auto left = stream_processor().process_file(file.path);
  EXPECT_TRUE(left->next());
}

// However slow the machine: a window of no time at all is the smallest, one of a day the largest.
TEST(EmbeddingStream, HandsOutVectorsSoonWhenAsked) {
  const auto largest_window = [](std::chrono::milliseconds time) {
    std::vector<SourceText> texts;
    for (std::uint64_t row = 0; row < 3000; ++row)
      texts.push_back({.row = row, .text = "and so the long text goes on and on with " + std::to_string(row)});
    StreamOptions options;
    options.window_time = time;
    auto stream = stream_of(std::make_unique<TextList>(std::move(texts)), options);
    std::size_t largest = 0, first = stream.next_rows().value().size();
    std::size_t sum = first;
    for (;;) {
      const auto rows = stream.next_rows();
      EXPECT_TRUE(rows);
      if (!rows || rows->empty()) break;
      sum += rows->size();
      // Those that were read before the first was computed do not know better.
      if (sum > 3 * first) largest = std::max(largest, rows->size());
    }
    EXPECT_EQ(sum, 3000u);
    return largest;
  };
  EXPECT_LT(largest_window(std::chrono::milliseconds(1)), 500u);
  EXPECT_LT(largest_window(std::chrono::hours(24)), 1025u);
}

TEST(EmbeddingStream, NamesAFileThatIsNotThere) {
  EXPECT_EQ(stream_processor().process_file("/nowhere/texts").error().code, ErrorCode::NotFound);
  EXPECT_EQ(stream_processor().process_source(nullptr).error().code, ErrorCode::InvalidArgument);
}

// Random batch sizes, empty batches, pauses, rows that fail at the source or in the stream, rows with numbers of their
// own: every row is answered once, in order, by what belongs to it.
TEST(EmbeddingStream, LosesRepeatsAndReordersNothing) {
  std::mt19937 random(3);
  for (int round = 0; round < 12; ++round) {
    std::deque<Result<SourceBatch>> batches;
    std::vector<SourceText> all;
    std::uint64_t row = 0, skipped = 0;
    const std::size_t largest = std::vector<std::size_t>{1, 3, 40, 1500}[random() % 4];
    for (int b = 0; b < (largest > 1000 ? 4 : 30); ++b) {
      SourceBatch batch;
      for (std::size_t n = random() % (largest + 1); n > 0; --n) {
        row += 1 + random() % 5;
        SourceText text = text_of(row);
        if (const auto dice = random() % 12; dice == 0) {
          text.text = fail(ErrorCode::InvalidText, "no such column");
        } else if (dice == 1) {
          text.text = "bad \xff";
        } else if (dice == 2) {
          *text.text += std::string(random() % 400, 'x');
        }
        all.push_back(text);
        batch.texts.push_back(std::move(text));
      }
      batch.skipped = random() % 3;
      skipped += batch.skipped;
      batch.state = random() % 3 == 0 ? SourceState::Pause : SourceState::More;
      batches.emplace_back(std::move(batch));
    }
    const bool breaks_off = random() % 2 == 0;
    if (breaks_off) batches.emplace_back(fail(ErrorCode::Io, "the disk is gone"));

    auto stream = stream_of(std::make_unique<ScriptedSource>(std::move(batches)));
    std::vector<RowResult> rows;
    std::optional<Error> error;
    for (;;) {
      auto some = stream.next_rows();
      if (!some) {
        error = some.error();
        break;
      }
      if (some->empty()) break;
      std::ranges::move(*some, std::back_inserter(rows));
    }
    EXPECT_EQ(error.has_value(), breaks_off);
    ASSERT_EQ(rows.size(), all.size());
    std::uint64_t failed = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool sound = all[i].text && !all[i].text->contains('\xff');
      ASSERT_EQ(rows[i].has_value(), sound) << i;
      failed += sound ? 0 : 1;
      if (sound) {
        EXPECT_EQ(rows[i]->row, all[i].row);
        EXPECT_EQ(rows[i]->text, *all[i].text);
      } else {
        EXPECT_EQ(rows[i].error().row, all[i].row);
        EXPECT_EQ(rows[i].error().error.message,
                  std::format("row {}: {}", all[i].row, all[i].text ? "not valid UTF-8" : "no such column"));
      }
    }
    EXPECT_EQ(stream.statistics().skipped, skipped);
    EXPECT_EQ(stream.statistics().failed, failed);
    EXPECT_EQ(stream.statistics().texts, all.size() - failed);
  }
}

TEST(EmbeddingStream, GivesEachTextItsOwnVectorWhateverTheBatches) {
  const auto model = load("bert.gguf");
  std::deque<Result<SourceBatch>> batches;
  for (std::uint64_t row = 0; row < 40; ++row) {
    SourceBatch batch;
    batch.texts.push_back(text_of(row));
    batch.state = row % 7 == 0 ? SourceState::Pause : SourceState::More;
    batches.emplace_back(std::move(batch));
  }
  auto stream = stream_of(std::make_unique<ScriptedSource>(std::move(batches)));
  for (const auto& result : drain(stream)) {
    EXPECT_GT(cosine(result.embedding, model->embed_text(result.text)->embedding), 0.9999) << result.text;
  }
}

// A failure is told when its row's turn comes, not when it is found.
TEST(EmbeddingStream, TellsFailuresInTheirPlace) {
  std::vector<SourceText> rows{text_of(1), {.row = 2, .text = fail(ErrorCode::InvalidText, "none")}, text_of(3)};
  std::vector<std::string> told;
  StreamOptions options;
  options.on_failure = [&](const TextFailure& failure) { told.push_back(failure.error.message); };
  auto stream = stream_of(std::make_unique<TextList>(std::move(rows)), options);
  while (const auto result = *stream.next()) told.push_back(result->text);
  EXPECT_EQ(told, (std::vector<std::string>{"number 1", "row 2: none", "number 3"}));
}

TEST(EmbeddingStream, SurvivesASourceThatThrows) {
  int calls = 0;
  auto stream = stream_of(std::make_unique<ScriptedSource>([&](const std::stop_token&) -> Result<SourceBatch> {
    if (++calls == 2) throw std::runtime_error("somebody else's");
    SourceBatch batch;
    batch.texts.push_back(text_of(1));
    batch.state = SourceState::Pause;
    return batch;
  }));
  EXPECT_TRUE(*stream.next());
  const auto end = stream.next();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::Internal);
  EXPECT_NE(end.error().message.find("somebody else's"), std::string::npos);
}

TEST(TextList, HandsOutAllWithinTheLimits) {
  TextList list(std::vector<std::string>{"aa", "bb", "cc", "dd", "ee"});
  EXPECT_EQ(list.total()->texts, 5u);
  EXPECT_EQ(list.total()->bytes, 10u);
  std::uint64_t next = 0;
  for (const std::size_t size : {2, 2, 1}) {
    const auto batch = list.next({.max_texts = 2, .max_bytes = 100}, {});
    ASSERT_EQ(batch->texts.size(), size);
    for (const auto& text : batch->texts) EXPECT_EQ(text.row, next++);
    EXPECT_EQ(batch->state, next == 5 ? SourceState::End : SourceState::More);
  }
}

}  // namespace
}  // namespace llama
