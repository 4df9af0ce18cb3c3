// A source that has nothing more for now has everything before answered.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "llama-embedding/text_file.h"
#include "stream_tests.h"

namespace llama {
namespace {

// A source that gives a text only when all before it are answered would wait for ever in a stream that waits for more.
TEST(EmbeddingStream, AnswersAllRowsBeforeAPause) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::uint64_t answered = 0;
  std::uint64_t given = 0;
  auto script = [&](const std::stop_token& stop) -> Result<SourceBatch> {
    std::unique_lock lock(mutex);
    if (!changed.wait(lock, stop, [&] { return answered == given; })) return fail(ErrorCode::Cancelled, "stopped");
    SourceBatch batch;
    if (given >= 30) {
      batch.state = SourceState::End;
      return batch;
    }
    for (std::uint64_t n = 1 + given % 3; n > 0; --n) batch.texts.push_back(text_of(given++));
    if (given % 2 == 0) batch.texts.back().text = fail(ErrorCode::InvalidText, "a failure is an answer too");
    batch.state = SourceState::Pause;
    return batch;
  };
  auto stream = stream_of(std::make_unique<ScriptedSource>(script));
  for (;;) {
    const auto rows = stream.next_rows();
    ASSERT_TRUE(rows) << rows.error().message;
    if (rows->empty()) break;
    const std::scoped_lock lock(mutex);
    answered += rows->size();
    changed.notify_all();
  }
  EXPECT_EQ(answered, given);
}

// The source's batch has more texts than a window (tokens would do as well): what is left over is answered before the
// source is asked again.
TEST(EmbeddingStream, AnswersWhatIsLeftOfABatchBeforeItAsksForMore) {
  constexpr std::size_t kCount = 1500;
  std::atomic<std::size_t> answered{0};
  int calls = 0;
  auto script = [&](const std::stop_token&) -> Result<SourceBatch> {
    SourceBatch batch;
    if (calls++ == 0) {
      for (std::uint64_t row = 0; row < kCount; ++row) batch.texts.push_back(text_of(row));
      batch.state = SourceState::Pause;
      return batch;
    }
    while (answered < kCount) std::this_thread::yield();
    batch.state = SourceState::End;
    return batch;
  };
  auto stream = stream_of(std::make_unique<ScriptedSource>(script));
  while (answered < kCount) {
    const auto rows = stream.next_rows();
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_FALSE(rows->empty());
    answered += rows->size();
  }
  EXPECT_TRUE(stream.next_rows()->empty());
}

// A real pipe, whose writer sends the next line only when it has the vector of the last one.
TEST(EmbeddingStream, AnswersEachLineOfAPipeWhoseWriterWaits) {
  const std::filesystem::path fifo = std::filesystem::temp_directory_path() / std::format("stream-{}", ::getpid());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  auto source = TextFile::open(fifo);
  ASSERT_TRUE(source) << source.error().message;
  const int writer = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  std::filesystem::remove(fifo);
  ASSERT_GE(writer, 0);
  const auto send = [&](std::string_view bytes) {
    EXPECT_EQ(::write(writer, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  };
  auto stream = stream_of(std::move(*source));
  send("line 0\nline");  // the next one has begun
  for (int i = 0; i < 20; ++i) {
    const auto result = stream.next();
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_TRUE(*result);
    EXPECT_EQ((*result)->text, std::format("line {}", i));
    EXPECT_EQ((*result)->row, static_cast<std::uint64_t>(i) + 1);
    send(std::format(" {}\nline", i + 1));
  }
  ::close(writer);
  const auto rest = drain(stream);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].text, "line 20");
  EXPECT_EQ(rest[1].text, "line");
}

}  // namespace
}  // namespace llama
