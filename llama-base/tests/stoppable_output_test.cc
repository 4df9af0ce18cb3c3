#include "llama-base/stoppable_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

namespace llama::internal {
namespace {

struct Ends {
  FileHandle read, write;
};

Ends pipe_ends() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {FileHandle(ends[0]), FileHandle(ends[1])};
}

Ends socket_ends() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {FileHandle(ends[0]), FileHandle(ends[1])};
}

std::string read_some(const FileHandle& file) {
  std::string bytes(1 << 16, '\0');
  const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return bytes;
}

class StoppableOutputTest : public testing::TestWithParam<Ends (*)()> {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  const std::string bytes_ = std::string(1 << 20, 'a') + "end";  // more than either holds
};

TEST_P(StoppableOutputTest, WaitsForASlowReader) {
  Ends ends = GetParam()();
  std::string got;
  std::jthread reader([&] {
    while (!got.ends_with("end")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      got += read_some(ends.read);
    }
  });
  StoppableOutput output(ends.write.get());
  EXPECT_FALSE(output.write(bytes_, [] { return true; }));  // though all is to stop
  reader.join();
  EXPECT_EQ(got, bytes_);
  EXPECT_FALSE(output.is_given_up());
}

// Of whom a full pipe has no room for seconds: it has some again once a page was read.
TEST(StoppableOutput, WaitsForAReaderOfFewBytes) {
  std::signal(SIGPIPE, SIG_IGN);
  Ends ends = pipe_ends();
  ASSERT_EQ(::fcntl(ends.write.get(), F_SETPIPE_SZ, 4096), 4096);
  const std::string bytes(4096 + 1500, 'a');
  std::string got;
  std::jthread reader([&] {
    std::array<char, 500> some;
    while (got.size() < bytes.size()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      const ssize_t count = ::read(ends.read.get(), some.data(), some.size());
      if (count <= 0) return;
      got.append(some.data(), static_cast<std::size_t>(count));
    }
  });
  StoppableOutput output(ends.write.get());
  EXPECT_FALSE(output.write(bytes, [] { return true; }));
  ends.write = FileHandle();
  {
    const StoppableOutput gone(std::move(output));
  }
  reader.join();
  EXPECT_EQ(got, bytes);
}

TEST(StoppableOutput, LeavesAStandardStreamClosed) {
  Ends ends = pipe_ends();
  const FileHandle before(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  ::close(STDIN_FILENO);
  {
    const StoppableOutput output(ends.write.get());
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
  }
  if (before) {
    EXPECT_EQ(::dup2(before.get(), STDIN_FILENO), STDIN_FILENO);
  }
}

TEST_P(StoppableOutputTest, GivesUpOnceAllIsToStopAndWritesNoMore) {
  Ends ends = GetParam()();
  StoppableOutput output(ends.write.get());
  int asked = 0;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(output.write(bytes_, [&] { return ++asked > 3; }), std::errc::operation_canceled);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, kStoppedPatience);
  EXPECT_TRUE(output.is_given_up());
  EXPECT_FALSE(read_some(ends.read).empty());
  EXPECT_EQ(output.write("x", [] { return false; }), std::errc::operation_canceled);
  ends.write = FileHandle();
  {
    const StoppableOutput gone(std::move(output));
  }
  for (std::string more; !(more = read_some(ends.read)).empty();) EXPECT_FALSE(more.contains('x'));
}

TEST_P(StoppableOutputTest, TellsOfAReaderThatWentAway) {
  Ends ends = GetParam()();
  StoppableOutput output(ends.write.get());
  ends.read = FileHandle();
  EXPECT_EQ(output.write(bytes_, [] { return false; }), std::errc::broken_pipe);
}

INSTANTIATE_TEST_SUITE_P(Of, StoppableOutputTest, testing::Values(pipe_ends, socket_ends));

}  // namespace
}  // namespace llama::internal
