// An Arrow stream, as the program at the other end of a pipe sees it.
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>

#include "llama-base/disk.h"
#include "output_folder.h"

namespace llama::internal {
namespace {

// Arrow's own input from a file wants to seek.
class PipeInput final : public arrow::io::InputStream {
 public:
  explicit PipeInput(int descriptor) : file_(::dup(descriptor)) {}
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override {
    std::int64_t done = 0;
    while (done < size) {
      const ssize_t got = ::read(file_.get(), static_cast<char*>(out) + done, static_cast<std::size_t>(size - done));
      if (got <= 0) break;
      done += got;
    }
    position_ += done;
    return done;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t got, Read(size, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return buffer;
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  bool closed() const override { return false; }

 private:
  FileHandle file_;
  std::int64_t position_ = 0;
};

class ArrowStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_ = FileHandle(ends[0]);
    write_ = FileHandle(ends[1]);
  }

  [[nodiscard]] std::unique_ptr<RowWriter> open_stream(std::optional<Compression> compression = {}) const {
    auto writer = open_writer({.path = "-", .format = OutputFormat::ArrowStream, .compression = compression}, nullptr,
                              kNumbered, {}, write_.get());
    EXPECT_TRUE(writer) << writer.error().message;
    return std::move(*writer);
  }

  [[nodiscard]] std::shared_ptr<arrow::RecordBatchReader> open_reader() const {
    return arrow::ipc::RecordBatchStreamReader::Open(std::make_shared<PipeInput>(read_.get())).ValueOrDie();
  }

  FileHandle read_, write_;
};

// Each batch is read before the next one is written.
TEST_F(ArrowStreamTest, AnswersEachWriteWithOneBatchOnceFlushed) {
  const auto writer = open_stream();
  std::shared_ptr<arrow::RecordBatchReader> reader;
  for (const std::int64_t rows : {1, 5'000, 0, 3}) {
    ASSERT_TRUE(writer->write({}, numbers(0, rows)));
    ASSERT_TRUE(writer->flush());
    if (reader == nullptr) reader = open_reader();
    const auto batch = reader->Next().ValueOrDie();
    ASSERT_NE(batch, nullptr);
    EXPECT_EQ(batch->num_rows(), rows);
    if (rows == 0) continue;
    EXPECT_EQ(batch->column(0)->GetScalar(rows - 1).ValueOrDie()->ToString(), std::to_string(rows - 1));
  }
  const auto summary = writer->close({{"late", "is ignored"}});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->rows, 5'004u);
  ASSERT_EQ(summary->parts.size(), 1u);
  EXPECT_EQ(summary->parts[0].path, "");
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

// A file of so many values would be full; of a stream each batch is an array of its own.
TEST_F(ArrowStreamTest, HasNoEndWhereAFileOfItsRowsWouldBeFull) {
  const std::vector<ColumnSpec> vectors = {{.name = "v", .type = ColumnType::Vector, .dimension = 4}};
  const TableOutput output{.path = "-", .format = OutputFormat::ArrowStream, .max_elements = 4 * 10};
  EXPECT_EQ(max_rows_of_file(output, vectors), UINT64_MAX);
  const auto writer = open_writer(output, nullptr, vectors, {}, write_.get());
  ASSERT_TRUE(writer) << writer.error().message;
  std::vector<float> written;
  for (const std::size_t rows : {10, 7, 25, 10, 1}) {
    std::vector<float> values(rows * 4);
    std::iota(values.begin(), values.end(), static_cast<float>(written.size()));
    written.append_range(values);
    std::vector<ColumnValues> columns(1);
    columns[0].vectors = bytes_of(values);
    const auto done = (*writer)->write({}, columns);
    ASSERT_TRUE(done) << done.error().message;
  }
  ASSERT_TRUE((*writer)->close({}));
  const auto reader = open_reader();
  std::vector<std::int64_t> lengths;
  std::vector<float> read;
  while (const auto batch = reader->Next().ValueOrDie()) {
    lengths.push_back(batch->num_rows());
    const auto lists = std::static_pointer_cast<arrow::FixedSizeListArray>(batch->column(0));
    const auto values = std::static_pointer_cast<arrow::FloatArray>(lists->values());
    for (std::int64_t i = 0; i < values->length(); ++i) read.push_back(values->Value(i));
  }
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{10, 7, 10, 10, 5, 10, 1}));
  EXPECT_EQ(read, written);
}

TEST_F(ArrowStreamTest, HasASchemaThoughItHasNoRows) {
  ASSERT_TRUE(open_stream()->close({}));
  const auto reader = open_reader();
  EXPECT_EQ(reader->schema()->field_names(), std::vector<std::string>{"number"});
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

TEST_F(ArrowStreamTest, IsCompressedWhereAsked) {
  for (const Compression compression : {Compression::Zstd, Compression::Lz4}) {
    const auto writer = open_stream(compression);
    std::vector<ColumnValues> same(1);
    same[0].integers.assign(4'000, 7);
    ASSERT_TRUE(writer->write({}, same));
    const auto summary = writer->close({});
    ASSERT_TRUE(summary);
    EXPECT_LT(summary->size_bytes, 4'000u);
    const auto reader = open_reader();
    EXPECT_EQ(reader->Next().ValueOrDie()->num_rows(), 4'000);
    EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
  }
}

TEST_F(ArrowStreamTest, FailsWhereTheReaderHasGone) {
  const auto writer = open_stream();
  ASSERT_TRUE(writer->write({}, numbers(0, 10)));
  read_ = FileHandle();
  const auto flushed = writer->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, ErrorCode::Io);
  EXPECT_EQ(flushed.error().message, "standard output cannot be written: the program that reads it has ended");
  EXPECT_FALSE(writer->write({}, numbers(0, 10)));
  EXPECT_FALSE(writer->close({}));
}

// Larger than the pipe holds, and read late.
TEST_F(ArrowStreamTest, WaitsForAReaderAlsoWhereThePipeDoesNotBlock) {
  ASSERT_EQ(::fcntl(write_.get(), F_SETFL, O_NONBLOCK), 0);
  const auto writer = open_stream();
  std::int64_t rows = 0;
  std::thread slow([&] {
    const auto reader = open_reader();
    while (const auto batch = reader->Next().ValueOrDie()) rows += batch->num_rows();
  });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(writer->write({}, numbers(0, 20'000)));
  ASSERT_TRUE(writer->close({}));
  slow.join();
  EXPECT_EQ(rows, 400'000);
}

TEST_F(ArrowStreamTest, TellsAFullDisk) {
  const FileHandle full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) GTEST_SKIP() << "no /dev/full here";
  auto writer = open_writer({.path = "-", .format = OutputFormat::ArrowStream}, nullptr, kNumbered, {}, full.get());
  ASSERT_TRUE((*writer)->write({}, numbers(0, 10)));
  const auto closed = (*writer)->close({});
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, ErrorCode::NoSpace);
}

TEST_F(ArrowStreamTest, EndsWithAStopWhereNobodyReads) {
  std::stop_source stop;
  auto writer = open_writer({.path = "-", .format = OutputFormat::ArrowStream, .stop = stop.get_token()}, nullptr,
                            kNumbered, {}, write_.get());
  ASSERT_TRUE(writer);
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const auto written = (*writer)->write({}, numbers(0, 1'000'000));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama::internal
