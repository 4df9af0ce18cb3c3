#include "llama-base/file_lock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

TEST(FileLock, ExcludesAnotherOfTheSameProcess) {
  const fs::path file = fs::path(testing::TempDir()) / "file_lock_test";
  const LockMechanism mechanism = probe_locks(testing::TempDir());
  if (mechanism == LockMechanism::None) GTEST_SKIP() << "no locks in " << testing::TempDir();
  auto first = FileLock::try_lock(file, FileLock::Kind::Exclusive, mechanism);
  ASSERT_TRUE(first && *first);
  auto second = FileLock::try_lock(file, FileLock::Kind::Shared, mechanism);
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
  (*first)->share();
  second = FileLock::try_lock(file, FileLock::Kind::Shared, mechanism);
  EXPECT_TRUE(second && *second);
}

TEST(FileLock, StopsWaitingWhenAsked) {
  const fs::path file = fs::path(testing::TempDir()) / "file_lock_test_stop";
  const LockMechanism mechanism = probe_locks(testing::TempDir());
  if (mechanism == LockMechanism::None) GTEST_SKIP() << "no locks in " << testing::TempDir();
  const auto held = FileLock::try_lock(file, FileLock::Kind::Exclusive, mechanism);
  ASSERT_TRUE(held && *held);
  std::stop_source stop;
  const auto waited =
      FileLock::lock(file, FileLock::Kind::Exclusive, mechanism, [&](long) { stop.request_stop(); }, stop.get_token());
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama::internal
