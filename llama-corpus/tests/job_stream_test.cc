// The job as a filter for programs: each batch is answered at once, with one.
#include <condition_variable>
#include <mutex>

#include "job_tests.h"

namespace llama {
namespace {

// Whoever sends a batch waits for its rows before the next.
TEST(JobStream, AnswersEachBatchAtOnce) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.answers_each_batch = true;
  const std::vector<std::vector<Cell>> sent = {
      {"one", "two"}, {"one", "one"}, {std::nullopt, std::nullopt}, {"three"}, {"bad \xff"}};
  WrittenTable written;
  std::size_t calls = 0, rows = 0;
  std::mutex mutex;
  std::condition_variable_any flushed;
  // The writer tells of its flushes through a table that only this test's threads share.
  class TellingWriter : public MemoryWriter {
   public:
    TellingWriter(WrittenTable& table, std::mutex& mutex, std::condition_variable_any& flushed)
        : MemoryWriter(table, -1), mutex_(mutex), flushed_(flushed) {}
    Result<void> flush() override {
      const std::scoped_lock lock(mutex_);
      flushed_.notify_all();
      return MemoryWriter::flush();
    }

   private:
    std::mutex& mutex_;
    std::condition_variable_any& flushed_;
  };
  const auto script = [&](const std::stop_token& stop) -> Result<RowBatch> {
    std::unique_lock lock(mutex);
    if (!flushed.wait(lock, stop, [&] { return written.flushes.size() == calls; }))
      return fail(ErrorCode::Cancelled, "stopped");
    RowBatch end;
    end.state = RowState::End;
    if (calls == sent.size()) return end;
    auto batch = batch_of(sent[calls], rows);
    rows += sent[calls++].size();
    return batch;
  };
  const OpenWriter open = [&](const std::vector<ColumnSpec>& columns,
                              const TableMetadata&) -> Result<std::unique_ptr<RowWriter>> {
    written.columns = columns;
    return std::make_unique<TellingWriter>(written, mutex, flushed);
  };
  const auto summary = run_embed_job(bert_model(), std::make_unique<MemoryReader>(script), open, options);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(written.flushes, (std::vector<std::size_t>{2, 4, 4, 5, 5}));
  EXPECT_EQ(written.batches, (std::vector<std::size_t>{2, 2, 0, 1, 0}));
}

// Whoever sends one text of 256 MB takes what comes after its answer for the next one's.
TEST(JobStream, AnswersABatchThatIsTooLargeForOneWithNoneThatIsEmpty) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.answers_each_batch = true;
  options.answer_bytes = 1;
  const auto run = run_job(reader_of({"one", "two", std::nullopt, "three"}, 1), options);
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  EXPECT_EQ(run.table.batches, (std::vector<std::size_t>{1, 1, 0, 1}));
  EXPECT_EQ(run.table.flushes, (std::vector<std::size_t>{1, 2, 2, 3}));
  const auto several = run_job(reader_of({"one", "two"}, 2), options);
  EXPECT_EQ(several.table.batches, (std::vector<std::size_t>{1, 1}));
}

}  // namespace
}  // namespace llama
