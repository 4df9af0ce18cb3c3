// Random inputs: every row is answered once, in order, by what belongs to it, and nothing waits for ever.
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>

#include "job_tests.h"

namespace llama {
namespace {

struct RandomInput {
  std::deque<Result<RowBatch>> batches;
  std::vector<Cell> cells;
  std::vector<bool> fails;  // at the reader
};

// Batches of any size with pauses, duplicates near and far, nulls, blanks, rows that fail: few or many distinct texts.
RandomInput random_input(std::mt19937& random, std::size_t rows, std::size_t distinct) {
  RandomInput input;
  while (input.cells.size() < rows) {
    std::vector<Cell> cells;
    std::vector<bool> fails;
    const std::size_t largest = std::vector<std::size_t>{2, 60, 3000}[random() % 3];
    for (std::size_t n = random() % largest; n > 0; --n) {
      const auto dice = random() % 40;
      cells.push_back(dice == 0   ? Cell()
                      : dice == 1 ? Cell("")
                      : dice == 2 ? Cell("bad \xff")
                      : dice == 3 ? Cell("  ")
                                  : Cell(std::format("number {}", random() % distinct)));
      fails.push_back(dice == 4);
    }
    auto batch = batch_of(cells, input.cells.size(), random() % 4 == 0 ? RowState::Pause : RowState::More);
    for (std::size_t i = 0; i < fails.size(); ++i) {
      if (fails[i]) batch.rows[i].cells = fail(ErrorCode::InvalidText, "no such column");
    }
    input.cells.append_range(cells);
    input.fails.append_range(fails);
    input.batches.emplace_back(std::move(batch));
  }
  return input;
}

TEST(EmbedJob, LosesRepeatsAndReordersNothing) {
  std::mt19937 random(5);
  std::map<std::string, std::vector<float>> alone;
  for (int round = 0; round < 12; ++round) {
    const TestFolder folder;
    // Few distinct texts in many rows fill the queue, for the stream has nothing to do.
    const auto [rows, distinct] = std::vector<std::pair<std::size_t, std::size_t>>{
        {20'000, 30}, {3000, 100'000}, {500, 100}, {12'000, 2000}}[round % 4];
    RandomInput input = random_input(random, rows, distinct);
    JobOptions options = options_in(folder);
    options.on_error = OnError::Null;
    options.columns.error = "error";
    options.columns.row = "row";
    options.skips_blank = round % 2 == 0;
    if (round % 3 == 0) options.journal = folder.path / "journal";
    if (round % 3 == 1) options.answers_each_batch = true;
    options.stream_memory = 1 + random() % 500;
    if (round % 5 == 0)
      options.vectors.element = options.answers_each_batch ? VectorElement::Bits : VectorElement::Int8;
    std::vector<std::uint64_t> told;
    options.on_failure = [&](std::uint64_t row, const Error&) { told.push_back(row); };
    const auto run = run_job(std::make_unique<MemoryReader>(std::move(input.batches)), options);
    ASSERT_TRUE(run.summary) << run.summary.error().message;
    expect_sum(*run.summary);
    ASSERT_EQ(run.summary->rows_in, input.cells.size());
    EXPECT_TRUE(std::ranges::is_sorted(told));
    std::size_t at = 0;
    for (std::size_t row = 0; row < input.cells.size(); ++row) {
      const Cell& cell = input.cells[row];
      if (options.skips_blank && cell == Cell("  ") && !input.fails[row]) continue;
      ASSERT_LT(at, run.table.rows);
      EXPECT_EQ(run.table.kept[at], row);
      EXPECT_EQ(run.table.column("row").integers[at], static_cast<std::int64_t>(row));
      const std::string error = input.fails[row]           ? "no such column"
                                : !cell || cell->empty()   ? "empty"
                                : cell == Cell("bad \xff") ? "not valid UTF-8"
                                                           : "";
      EXPECT_EQ(run.table.column("error").texts[at], error);
      EXPECT_EQ(run.table.column("embedding").valid[at], error.empty());
      if (error.empty()) {
        EXPECT_EQ(run.table.column("text").texts[at], *cell);
        if (options.vectors.element == VectorElement::Float32 && at % 50 == 0) {
          auto& vector = alone[*cell];
          if (vector.empty()) vector = bert_model()->embed_text(*cell)->embedding;
          EXPECT_GT(cosine_of(vector_at(run.table, at), vector), 0.9999);
        }
      }
      ++at;
    }
    EXPECT_EQ(at, run.table.rows);
    EXPECT_EQ(run.summary->rows_out, at);
    EXPECT_TRUE(folder.names().empty());
  }
}

// Chunks of the same text, texts that are chunks of others, rows of many chunks: more than one window of the stream.
TEST(EmbedJob, RebuildsEachTextFromItsChunks) {
  const TestFolder folder;
  std::mt19937 random(6);
  std::vector<Cell> cells;
  for (int row = 0; row < 30; ++row) {
    std::string text;
    const bool is_long = row == 20;
    const std::size_t words = is_long ? 20'000 : random() % 60;
    for (std::size_t i = 0; i < words; ++i)
      text += std::format("word{} {}", is_long ? i : random() % 3, i % 9 == 0 ? "end. " : "");
    cells.emplace_back(text);
  }
  JobOptions options = options_in(folder);
  options.on_long = OnLong::Chunk;
  options.chunk_tokens = 24;
  const auto run = run_job(reader_of(cells, 3), options);
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  expect_sum(*run.summary);
  ASSERT_GT(run.summary->distinct, 3000u);
  std::vector<std::string> again(cells.size());
  for (std::size_t i = 0; i < run.table.rows; ++i) again[run.table.kept[i]] += run.table.column("text").texts[i];
  for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(again[i], *cells[i]) << i;
  EXPECT_EQ(run.summary->rows_out, run.table.rows);
}

}  // namespace
}  // namespace llama
