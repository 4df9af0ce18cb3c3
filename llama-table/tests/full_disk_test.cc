// A disk that is full at any byte: the error says so, nothing is left that looks finished, whole parts stay.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "output_folder.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

// No file of this process may grow beyond `bytes`: the system's own way to refuse a write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

class FullDiskTest : public OutputFolderTest {
 protected:
  static Result<TableSummary> write(const TableOutput& output) {
    auto writer = open_table_writer(output, nullptr, kNumbered);
    if (!writer) return std::unexpected(writer.error());
    for (int i = 0; i < 3; ++i)
      if (auto written = (*writer)->write({}, numbers(0, 700)); !written) return std::unexpected(written.error());
    return (*writer)->close({});
  }
};

TEST_F(FullDiskTest, IsToldAtEveryByte) {
  for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile, OutputFormat::ArrowStream}) {
    const TableOutput output{.path = folder_ / "out", .format = format, .row_group_rows = 1'000};
    const auto whole = write(output);
    ASSERT_TRUE(whole);
    fs::remove(output.path);
    // Each of the first and the last bytes, and some between.
    for (std::uint64_t size = 0; size < whole->size_bytes;
         size +=
         size < 16 || size + 64 > whole->size_bytes ? 1 : std::min<std::uint64_t>(997, whole->size_bytes - 63 - size)) {
      const FileSizeLimit limit(size);
      const auto failed = write(output);
      ASSERT_FALSE(failed) << size;
      EXPECT_EQ(failed.error().code, ErrorCode::NoSpace) << failed.error().message;
      EXPECT_THAT(failed.error().message, testing::HasSubstr("out' cannot be written"));
      EXPECT_EQ(names(), std::set<std::string>{}) << size;
    }
  }
}

TEST_F(FullDiskTest, LeavesThePartsThatWereWhole) {
  const TableOutput output{.path = folder_ / "out", .split_rows = 700};
  const auto small = write(output);
  ASSERT_TRUE(small);
  // The third part is larger than the limit: its vectors do not shrink.
  fs::remove_all(output.path);
  const FileSizeLimit limit(small->parts.front().size_bytes + 2'000);
  auto writer = open_table_writer(output, nullptr, kNumbered);
  ASSERT_TRUE((*writer)->write({}, numbers(0, 1'400)));
  auto scattered = numbers(0, 1'400);
  for (std::int64_t& value : scattered[0].integers) value = value * 0x9E3779B97F4A7C15;
  const auto failed = (*writer)->write({}, scattered);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::NoSpace);
  writer->reset();
  EXPECT_EQ(names(), (std::set<std::string>{"out", "out/part-00000.parquet", "out/part-00001.parquet"}));
  EXPECT_EQ(read_any(output.path / "part-00001.parquet")->num_rows(), 700);
}

TEST_F(FullDiskTest, LeavesTheFileThatWasToBeReplaced) {
  const TableOutput output{.path = folder_ / "out.parquet", .existing = ExistingFile::Replace};
  ASSERT_TRUE(write(output));
  const auto size = fs::file_size(output.path);
  {
    const FileSizeLimit limit(100);
    EXPECT_FALSE(write(output));
  }
  EXPECT_EQ(names(), std::set<std::string>{"out.parquet"});
  EXPECT_EQ(fs::file_size(output.path), size);
}

TEST_F(FullDiskTest, IsNotMistakenForAFolderWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "everything is permitted to root";
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  const auto failed = write({.path = folder_ / "out.parquet"});
  fs::permissions(folder_, fs::perms::owner_all);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::Io);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("ermission"));
}

}  // namespace
}  // namespace llama::internal
