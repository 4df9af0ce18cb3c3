// The job as a whole, with the synthetic model and tables in memory.
#include "llama-corpus/embed_job.h"

#include "job_tests.h"
#include "llama-corpus/text_rows.h"
#include "llama-embedding/text_list.h"

namespace llama {
namespace {

TEST(EmbedJob, WritesEachRowInOrderAndComputesEachTextOnce) {
  const TestFolder folder;
  const std::vector<std::string> texts = {"one", "two", "one", "three", "two", "one", "four", "one", "five"};
  const auto run = run_job(reader_of({texts.begin(), texts.end()}, 4), options_in(folder));
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  EXPECT_EQ(run.table.column("text").texts, texts);
  EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(run.summary->distinct, 5u);
  EXPECT_EQ(run.summary->computed, 5u);
  EXPECT_EQ(run.summary->rows_in, 9u);
  EXPECT_EQ(run.summary->embedded, 9u);
  EXPECT_EQ(run.summary->rows_out, 9u);
  EXPECT_EQ(run.summary->device, run.table.late.front().second);
  EXPECT_TRUE(run.table.is_closed);
  EXPECT_TRUE(folder.names().empty());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto alone = bert_model()->embed_text(texts[i]);
    EXPECT_GT(cosine_of(vector_at(run.table, i), alone->embedding), 0.9999) << i;
    EXPECT_EQ(run.table.column("text_hash").texts[i], alone->text_hash);
    EXPECT_EQ(run.table.column("sequence_length").integers[i], alone->sequence_length);
  }
  for (const std::size_t duplicate : {2, 4, 5, 7}) {
    EXPECT_EQ(run.table.column("processing_time_ms").integers[duplicate], 0);
  }
}

TEST(EmbedJob, OfNoRowsIsAnEmptyTable) {
  const TestFolder folder;
  const auto run = run_job(reader_of({}), options_in(folder));
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  EXPECT_TRUE(run.table.is_closed);
  EXPECT_EQ(run.table.columns.size(), 5u);
  EXPECT_EQ(run.table.rows, 0u);
}

// What a row without a vector becomes, by policy; nobody else is hurt.
TEST(EmbedJob, TreatsRowsWithoutAVectorAsAsked) {
  const std::vector<Cell> cells = {"good", std::nullopt, "bad \xff", "", "well", "good"};
  for (const OnError policy : {OnError::Skip, OnError::Null, OnError::Fail}) {
    const TestFolder folder;
    JobOptions options = options_in(folder);
    options.on_error = policy;
    options.columns.error = "error";
    std::vector<std::string> told;
    options.on_failure = [&](std::uint64_t, const Error& error) { told.push_back(error.message); };
    const auto run = run_job(reader_of(cells, 2), options);
    if (policy == OnError::Fail) {
      ASSERT_FALSE(run.summary);
      EXPECT_EQ(run.summary.error().message, "row 1: empty");
      EXPECT_EQ(run.summary.error().code, ErrorCode::InvalidText);
      EXPECT_EQ(run.table.kept, std::vector<std::uint64_t>{0});
      continue;
    }
    ASSERT_TRUE(run.summary) << run.summary.error().message;
    expect_sum(*run.summary);
    EXPECT_EQ(told, std::vector<std::string>{"row 2: not valid UTF-8"});
    EXPECT_EQ(run.summary->embedded, 3u);
    if (policy == OnError::Skip) {
      EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 4, 5}));
      EXPECT_EQ(run.summary->skipped_empty, 2u);
      EXPECT_EQ(run.summary->skipped_failed, 1u);
      EXPECT_TRUE(run.table.column("embedding").valid.empty());
    } else {
      EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
      EXPECT_EQ(run.summary->null, 3u);
      EXPECT_EQ(run.table.column("embedding").valid, (std::vector<bool>{true, false, false, false, true, true}));
      EXPECT_EQ(run.table.column("embedding").vectors.size(), 6u * 64 * 4);
      EXPECT_EQ(run.table.column("error").texts,
                (std::vector<std::string>{"", "empty", "not valid UTF-8", "empty", "", ""}));
      EXPECT_EQ(run.table.column("error").valid, (std::vector<bool>{false, true, true, true, false, false}));
      EXPECT_EQ(run.table.column("text").valid, (std::vector<bool>{true, false, false, true, true, true}));
    }
  }
}

TEST(EmbedJob, NamesARowThatTheReaderCouldNotRead) {
  const TestFolder folder;
  std::deque<Result<RowBatch>> batches;
  batches.emplace_back(batch_of({"one", "two", "three"}));
  batches.front()->rows[1].cells = fail(ErrorCode::InvalidText, "an unclosed quote");
  JobOptions options = options_in(folder);
  std::vector<std::string> told;
  options.on_failure = [&](std::uint64_t, const Error& error) { told.push_back(error.message); };
  const auto run = run_job(std::make_unique<MemoryReader>(std::move(batches)), options);
  ASSERT_TRUE(run.summary);
  EXPECT_EQ(told, std::vector<std::string>{"row 1: an unclosed quote"});
  EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 2}));
}

TEST(EmbedJob, WritesTheRowsBeforeAnInputThatBreaksOff) {
  const TestFolder folder;
  std::deque<Result<RowBatch>> batches;
  batches.emplace_back(batch_of({"one", "two", "one"}));
  batches.emplace_back(fail(ErrorCode::Io, "the disk is gone"));
  const auto run = run_job(std::make_unique<MemoryReader>(std::move(batches)), options_in(folder));
  ASSERT_FALSE(run.summary);
  EXPECT_EQ(run.summary.error().message, "the disk is gone");
  EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_FALSE(run.table.is_closed);
}

TEST(EmbedJob, CutsLongTextsOrTreatsThemAsAsked) {
  const auto model = load_model("bert.gguf", [](auto& config) { config.max_sequence_length = 8; });
  std::string text;
  for (int i = 0; i < 10; ++i) text += "hello world ";
  for (const OnLong policy : {OnLong::Truncate, OnLong::Error, OnLong::Skip}) {
    const TestFolder folder;
    JobOptions options = options_in(folder);
    options.on_long = policy;
    options.columns.token_count = "token_count";
    options.columns.truncated = "truncated";
    std::vector<std::string> told;
    options.on_failure = [&](std::uint64_t, const Error& error) { told.push_back(error.message); };
    const auto run = run_job(reader_of({"hello", text, "world", text}), options, -1, model);
    ASSERT_TRUE(run.summary) << run.summary.error().message;
    expect_sum(*run.summary);
    if (policy == OnLong::Truncate) {
      EXPECT_EQ(run.table.column("token_count").integers, (std::vector<std::int64_t>{3, 22, 3, 22}));
      EXPECT_EQ(run.table.column("truncated").integers, (std::vector<std::int64_t>{0, 1, 0, 1}));
      EXPECT_EQ(run.table.column("sequence_length").integers, (std::vector<std::int64_t>{3, 8, 3, 8}));
      EXPECT_EQ(run.summary->truncated, 2u);
      continue;
    }
    EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 2}));
    EXPECT_EQ(run.summary->computed, 2u);
    EXPECT_EQ(run.summary->skipped_long, policy == OnLong::Skip ? 2u : 0u);
    ASSERT_EQ(told.size(), policy == OnLong::Skip ? 0u : 2u);
    if (policy == OnLong::Error) {
      EXPECT_EQ(told.front(), "row 1: more than 8 tokens");
    }
  }
}

TEST(EmbedJob, MakesRowsOfChunks) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::format("Sentence number {} is h\xc3\xa9re. ", i);
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.on_long = OnLong::Chunk;
  options.chunk_tokens = 32;
  options.columns.chunk_index = "chunk_index";
  options.columns.chunk_start = "chunk_start";
  options.columns.chunk_end = "chunk_end";
  const auto run = run_job(reader_of({"short", text, std::nullopt, text}), options);
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  expect_sum(*run.summary);
  EXPECT_EQ(run.summary->embedded, 3u);
  const std::size_t chunks = (run.table.rows - 1) / 2;
  ASSERT_GT(chunks, 3u);
  EXPECT_EQ(run.summary->rows_out, 1 + 2 * chunks);
  EXPECT_EQ(run.summary->computed, 1 + chunks);  // the second time they are known
  std::string again;
  for (std::size_t i = 0; i < chunks; ++i) {
    again += run.table.column("text").texts[1 + i];
    EXPECT_EQ(run.table.column("chunk_index").integers[1 + i], static_cast<std::int64_t>(i));
    EXPECT_LE(run.table.column("sequence_length").integers[1 + i], 32);
    EXPECT_EQ(run.table.kept[1 + i], 1u);
    EXPECT_EQ(vector_at(run.table, 1 + i), vector_at(run.table, 1 + chunks + i));
  }
  EXPECT_EQ(again, text);
  EXPECT_EQ(run.table.column("chunk_end").integers[chunks], static_cast<std::int64_t>(text.size() - 40));
}

TEST(EmbedJob, PutsThePromptAroundWhatIsComputedAlone) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.prompt = PromptTemplate::parse("query: {text}").value();
  const auto run = run_job(reader_of({"hello"}), options);
  ASSERT_TRUE(run.summary);
  EXPECT_EQ(run.table.column("text").texts, std::vector<std::string>{"hello"});
  EXPECT_EQ(run.table.column("text_hash").texts.front(), md5_hex("hello"));
  EXPECT_GT(cosine_of(vector_at(run.table, 0), bert_model()->embed_text("query: hello")->embedding), 0.9999);
}

TEST(EmbedJob, GivesEachRowToOneShard) {
  std::vector<Cell> cells;
  for (int i = 0; i < 50; ++i) cells.emplace_back(std::format("text {}", i % 20));
  std::vector<std::uint64_t> all;
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    const TestFolder folder;
    JobOptions options = options_in(folder);
    options.shard = {.index = shard, .count = 3};
    const auto run = run_job(reader_of(cells), options);
    ASSERT_TRUE(run.summary);
    EXPECT_TRUE(std::ranges::is_sorted(run.table.kept));
    EXPECT_EQ(run.summary->rows_in, run.table.kept.size());
    all.append_range(run.table.kept);
  }
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), 50u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i);
}

TEST(EmbedJob, CutsVectorsAndScalesThemToLengthOne) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.vectors.dimensions = 16;
  const auto run = run_job(reader_of({"hello world"}), options);
  ASSERT_TRUE(run.summary);
  auto whole = bert_model()->embed_text("hello world")->embedding;
  whole.resize(16);
  const auto cut = vector_at(run.table, 0, 16);
  EXPECT_GT(cosine_of(whole, cut), 0.99999);
  double sum = 0;
  for (const float x : cut) sum += static_cast<double>(x) * x;
  EXPECT_NEAR(sum, 1, 1e-5);
  options.vectors.dimensions = 65;
  EXPECT_EQ(run_job(reader_of({"hello"}), options).summary.error().code, ErrorCode::InvalidArgument);
}

TEST(EmbedJob, IsThePlainCallForTheLinesOfAText) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.columns.is_plain = true;
  std::vector<SourceText> lines = {
      {.row = 1, .text = "one"}, {.row = 3, .text = "bad \xff"}, {.row = 4, .text = " two "}};
  const auto run =
      run_job(make_text_rows(std::make_unique<TextList>(lines), {.what = "file 'x'", .fingerprint = "x"}), options);
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  EXPECT_EQ(run.table.column("text").texts, (std::vector<std::string>{"one", " two "}));
  ASSERT_EQ(run.table.columns.size(), 5u);
  EXPECT_EQ(run.table.columns[3].type, ColumnType::UnsignedInteger32);
  EXPECT_EQ(run.table.columns[4].type, ColumnType::UnsignedInteger64);
  for (const ColumnSpec& column : run.table.columns) EXPECT_FALSE(column.nullable);
}

// A long cell of another column leaves no room for the text: that is its row's failure alone.
TEST(EmbedJob, ARowWhosePromptHasNoRoomForAChunkFailsAlone) {
  const TestFolder folder;
  JobOptions options = options_in(folder);
  options.on_long = OnLong::Chunk;
  options.chunk_tokens = 16;
  options.prompt = PromptTemplate::parse("{title}: {text}").value();
  std::string title;
  for (int i = 0; i < 20; ++i) title += "hello world ";
  std::deque<Result<RowBatch>> batches;
  batches.emplace_back(batch_of({"one", "two", "three"}));
  for (Row& row : batches.front()->rows) row.cells->push_back(row.number == 1 ? title : "short");
  std::vector<std::string> told;
  options.on_failure = [&](std::uint64_t, const Error& error) { told.push_back(error.message); };
  const auto run = run_job(std::make_unique<MemoryReader>(std::move(batches)), options);
  ASSERT_TRUE(run.summary) << run.summary.error().message;
  expect_sum(*run.summary);
  EXPECT_EQ(run.table.kept, (std::vector<std::uint64_t>{0, 2}));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told.front().starts_with("row 1: chunks of 16 tokens have no room")) << told.front();
  // Of a prompt that is the same for all rows it is the caller's.
  options.prompt = PromptTemplate::parse(title + "{text}").value();
  EXPECT_EQ(run_job(reader_of({"one", "two"}), options).summary.error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
