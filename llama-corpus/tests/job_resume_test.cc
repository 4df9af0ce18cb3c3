// A run that ends at any point goes on when it is given again, and gives the same rows.
#include <fstream>
#include <map>
#include <string_view>

#include "job_tests.h"

namespace llama {
namespace {

// Rows with everything that may happen to one: duplicates, nulls, texts that fail, several windows of the stream.
std::vector<Cell> mixed_rows(std::size_t count) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 17 == 5) {
      cells.emplace_back(std::nullopt);
    } else if (i % 23 == 7) {
      cells.emplace_back("bad \xff");
    } else {
      cells.emplace_back(std::format("text {}", i % 5 == 4 ? i / 3 : i));
    }
  }
  return cells;
}

JobOptions with_journal(const TestFolder& folder) {
  JobOptions options = options_in(folder);
  options.journal = folder.path / "out.parquet.journal";
  options.settings = {{"--max-length", "default"}};
  options.on_error = OnError::Null;
  options.columns.error = "error";
  return options;
}

void expect_same_rows(const WrittenTable& found, const WrittenTable& whole) {
  EXPECT_EQ(found.kept, whole.kept);
  for (const std::string_view name : {"text", "text_hash", "error"}) {
    EXPECT_EQ(found.column(name).texts, whole.column(name).texts) << name;
    EXPECT_EQ(found.column(name).valid, whole.column(name).valid) << name;
  }
  EXPECT_EQ(found.column("sequence_length").integers, whole.column("sequence_length").integers);
  EXPECT_EQ(found.column("embedding").valid, whole.column("embedding").valid);
  ASSERT_EQ(found.column("embedding").vectors.size(), whole.column("embedding").vectors.size());
  for (std::size_t i = 0; i < whole.rows; ++i) {
    if (!whole.column("embedding").valid[i]) continue;
    EXPECT_GT(cosine_of(vector_at(found, i), vector_at(whole, i)), 0.9999) << i;
  }
}

const JobRun& whole_run() {
  static const JobRun kRun = [] {
    const TestFolder folder;
    JobOptions options = with_journal(folder);
    options.journal.reset();
    return run_job(reader_of(mixed_rows(4000), 100), options);
  }();
  return kRun;
}

// The same input, which fails or asks for a stop after so many batches.
std::unique_ptr<MemoryReader> reader_until(std::size_t batches, const std::function<Result<RowBatch>()>& then) {
  auto whole = std::shared_ptr<MemoryReader>(reader_of(mixed_rows(4000), 100));
  return std::make_unique<MemoryReader>(
      [whole, batches, then, read = std::size_t{0}](const std::stop_token& stop) mutable -> Result<RowBatch> {
        return read++ < batches ? whole->next(stop) : then();
      });
}

TEST(JobResume, GoesOnWhereTheWriterFailed) {
  ASSERT_TRUE(whole_run().summary);
  const int calls = whole_run().table.calls;
  ASSERT_GT(calls, 3);
  for (int k = 0; k <= calls; ++k) {
    const TestFolder folder;
    const JobOptions options = with_journal(folder);
    const auto broken = run_job(reader_of(mixed_rows(4000), 100), options, k);
    ASSERT_FALSE(broken.summary);
    EXPECT_EQ(broken.summary.error().code, ErrorCode::NoSpace);
    EXPECT_TRUE(std::filesystem::exists(*options.journal));
    const auto resumed = run_job(reader_of(mixed_rows(4000), 100), options);
    ASSERT_TRUE(resumed.summary) << resumed.summary.error().message;
    expect_same_rows(resumed.table, whole_run().table);
    EXPECT_GT(resumed.summary->from_journal, 0u);
    EXPECT_EQ(resumed.summary->from_journal + resumed.summary->computed, resumed.summary->distinct);
    EXPECT_EQ(resumed.summary->distinct, whole_run().summary->distinct);
    expect_sum(*resumed.summary);
    EXPECT_TRUE(folder.names().empty());
  }
}

TEST(JobResume, GoesOnWhereTheReaderFailed) {
  std::uint64_t resumed_rows = 0;
  for (const std::size_t batches : {0, 1, 9, 11, 25, 39}) {
    const TestFolder folder;
    JobOptions options = with_journal(folder);
    const auto broken =
        run_job(reader_until(batches, [] { return fail(ErrorCode::Network, "the database went away"); }), options);
    ASSERT_FALSE(broken.summary);
    EXPECT_EQ(broken.summary.error().message, "the database went away");
    std::optional<std::uint64_t> told;
    options.on_resume = [&](std::uint64_t rows) { told = rows; };
    const auto resumed = run_job(reader_of(mixed_rows(4000), 100), options);
    ASSERT_TRUE(resumed.summary) << resumed.summary.error().message;
    expect_same_rows(resumed.table, whole_run().table);
    EXPECT_EQ(told.has_value(), batches > 0);
    EXPECT_EQ(resumed.summary->rows_before, told.value_or(0));
    resumed_rows = std::max(resumed_rows, told.value_or(0));
    EXPECT_TRUE(folder.names().empty());
  }
  EXPECT_GT(resumed_rows, 2000u);
}

// What goes along with an output, a manifest say, is there whenever the journal is not.
TEST(JobResume, IsOverWhenTheOutputWasToldOf) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  std::vector<bool> new_ones;
  std::optional<std::uint64_t> kept;
  options.on_journal = [&](bool is_new) { new_ones.push_back(is_new); };
  options.on_break = [&](std::uint64_t rows) { kept = rows; };
  options.on_written = [&](const JobSummary& summary) -> Result<void> {
    EXPECT_TRUE(std::filesystem::exists(*options.journal));
    EXPECT_EQ(summary.rows_out, whole_run().summary->rows_out);
    return fail(ErrorCode::NoSpace, "the disk is full");
  };
  const auto broken = run_job(reader_of(mixed_rows(4000), 100), options);
  ASSERT_FALSE(broken.summary);
  EXPECT_EQ(broken.summary.error().message, "the disk is full");
  EXPECT_TRUE(broken.table.is_closed);
  EXPECT_EQ(kept, 4000u);
  options.on_written = {};
  const auto resumed = run_job(reader_of(mixed_rows(4000), 100), options);
  ASSERT_TRUE(resumed.summary) << resumed.summary.error().message;
  EXPECT_EQ(resumed.summary->computed, 0u);
  expect_same_rows(resumed.table, whole_run().table);
  EXPECT_EQ(new_ones, (std::vector<bool>{true, false}));
  EXPECT_TRUE(folder.names().empty());
}

TEST(JobResume, LeavesNoJournalWhereNothingIsDone) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  options.on_break = [](std::uint64_t) { ADD_FAILURE(); };
  EXPECT_FALSE(run_job(reader_until(0, [] { return fail(ErrorCode::Network, "no database"); }), options).summary);
  EXPECT_TRUE(folder.names().empty());
  options.vectors = {.element = VectorElement::Int8, .dimensions = {}, .calibration = folder.path / "missing"};
  EXPECT_FALSE(run_job(reader_of(mixed_rows(100)), options).summary);
  EXPECT_TRUE(folder.names().empty());
  options.vectors = {};
  options.vector_store = folder.path / "missing" / "store";
  EXPECT_FALSE(run_job(reader_of(mixed_rows(100)), options).summary);
  EXPECT_TRUE(folder.names().empty());
}

// Stopped again and again, a little further each time.
TEST(JobResume, GoesOnAfterEachStop) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  std::uint64_t computed = 0;
  int stops = 0;
  for (;; ++stops) {
    ASSERT_LT(stops, 100);
    std::stop_source stop;
    options.stop = stop.get_token();
    std::uint64_t windows = 0, tokens = 0;
    options.on_progress = [&](const JobProgress& now) {
      windows += now.tokens != std::exchange(tokens, now.tokens) ? 1 : 0;
      if (windows == 2) stop.request_stop();
    };
    const auto run = run_job(reader_of(mixed_rows(4000), 100), options);
    if (run.summary) {
      computed += run.summary->computed;
      expect_same_rows(run.table, whole_run().table);
      break;
    }
    ASSERT_EQ(run.summary.error().code, ErrorCode::Cancelled) << run.summary.error().message;
    EXPECT_FALSE(run.table.is_closed);
  }
  EXPECT_GT(stops, 0);
  EXPECT_LT(computed, whole_run().summary->distinct);  // the rest was done before
  EXPECT_TRUE(folder.names().empty());
}

TEST(JobResume, NamesTheSettingThatDiffers) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  ASSERT_FALSE(run_job(reader_of(mixed_rows(100)), options, 0).summary);
  const auto why = [&](const JobOptions& changed) {
    const auto run = run_job(reader_of(mixed_rows(100)), changed);
    return run.summary ? "" : run.summary.error().message;
  };
  JobOptions changed = options;
  changed.settings = {{"--max-length", "12"}};
  EXPECT_TRUE(why(changed).contains("--max-length default, this one has 12")) << why(changed);
  changed = options;
  changed.prompt = PromptTemplate::parse("query: {text}").value();
  EXPECT_TRUE(why(changed).contains("prompt none, this one has query: {text}")) << why(changed);
  changed = options;
  changed.vectors.element = VectorElement::Float16;
  EXPECT_TRUE(why(changed).contains("kind of vectors")) << why(changed);
  std::deque<Result<RowBatch>> batches;
  batches.emplace_back(batch_of({"one"}));
  const auto other = run_job(std::make_unique<MemoryReader>(std::move(batches), "changed"), options);
  EXPECT_TRUE(other.summary.error().message.contains("has changed since")) << other.summary.error().message;
  EXPECT_EQ(other.summary.error().code, ErrorCode::InvalidArgument);
  changed.restarts = true;
  EXPECT_EQ(why(changed), "");
}

TEST(JobResume, KeepsTheScalesOfInt8Vectors) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  options.vectors.element = VectorElement::Int8;
  JobOptions unbroken = options;
  unbroken.journal.reset();
  const auto whole = run_job(reader_of(mixed_rows(4000), 100), unbroken);
  ASSERT_TRUE(whole.summary) << whole.summary.error().message;
  ASSERT_EQ(whole.table.metadata.size(), 1u);
  EXPECT_EQ(whole.table.metadata[0].first, "llama.int8_scales");
  ASSERT_FALSE(run_job(reader_of(mixed_rows(4000), 100), options, 2).summary);
  const auto resumed = run_job(reader_of(mixed_rows(4000), 100), options);
  ASSERT_TRUE(resumed.summary) << resumed.summary.error().message;
  EXPECT_GT(resumed.summary->from_journal, 0u);
  EXPECT_EQ(resumed.table.kept, whole.table.kept);
  // Two computations may differ by a unit in the last place, so the scales by as much.
  const auto& found = resumed.table.column("embedding").vectors;
  const auto& wanted = whole.table.column("embedding").vectors;
  ASSERT_EQ(found.size(), wanted.size());
  int largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<std::int8_t>(found[i]) - static_cast<std::int8_t>(wanted[i])));
  }
  EXPECT_LE(largest, 1);
}

TEST(JobResume, NoticesThatTheCalibrationTextsHaveChanged) {
  const TestFolder folder;
  JobOptions options = with_journal(folder);
  const auto texts = folder.path / "calibration.txt";
  const auto write = [&](std::string_view content) { std::ofstream(texts) << content; };
  write("one\ntwo words\n");
  options.vectors = {.element = VectorElement::Int8, .dimensions = {}, .calibration = texts};
  ASSERT_FALSE(run_job(reader_of(mixed_rows(4000), 100), options, 2).summary);
  write("one\nother words\n");
  const auto changed = run_job(reader_of(mixed_rows(4000), 100), options);
  ASSERT_FALSE(changed.summary);
  EXPECT_EQ(changed.summary.error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(changed.summary.error().message.contains("calibration texts")) << changed.summary.error().message;
  write("one\ntwo words\n");
  const auto resumed = run_job(reader_of(mixed_rows(4000), 100), options);
  ASSERT_TRUE(resumed.summary) << resumed.summary.error().message;
  EXPECT_GT(resumed.summary->from_journal, 0u);
}

TEST(JobResume, NeedsTheVectorStoreOnlyOnce) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.vector_store = folder.path / "vectors";
  options.columns.token_count = "token_count";
  const auto first = run_job(reader_of(mixed_rows(2000), 100), options);
  ASSERT_TRUE(first.summary) << first.summary.error().message;
  EXPECT_EQ(first.summary->from_store, 0u);
  const auto second = run_job(reader_of(mixed_rows(2500), 100), options);
  ASSERT_TRUE(second.summary) << second.summary.error().message;
  EXPECT_EQ(second.summary->from_store, first.summary->computed);
  EXPECT_EQ(second.summary->from_store + second.summary->computed, second.summary->distinct);
  for (std::size_t i = 0; i < first.table.rows; ++i) {
    EXPECT_EQ(vector_at(second.table, i), vector_at(first.table, i));
    EXPECT_EQ(second.table.column("token_count").integers[i], first.table.column("token_count").integers[i]);
  }
  // Another kind of vector is made of the same.
  options.vectors.element = VectorElement::Bits;
  EXPECT_EQ(run_job(reader_of(mixed_rows(2500), 100), options).summary->computed, 0u);
  // Another prompt is another text.
  options.prompt = PromptTemplate::parse("query: {text}").value();
  EXPECT_EQ(run_job(reader_of(mixed_rows(100), 100), options).summary->from_store, 0u);
  options.vector_store = folder.path;
  EXPECT_EQ(run_job(reader_of({"one"}), options).summary.error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
