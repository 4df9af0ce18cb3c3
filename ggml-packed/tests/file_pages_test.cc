#include "format/file_pages.h"

#include <ggml.h>
#include <gtest/gtest.h>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <format>
#include <fstream>
#include <span>
#include <string>

#include "format/weight_cache.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kBytes = std::size_t{4} << 20;

// The kilobytes that a mapping has in the process's memory.
std::size_t resident(const void* mapping) {
  std::ifstream lines("/proc/self/smaps");
  const std::string begins = std::format("{:x}-", reinterpret_cast<std::uintptr_t>(mapping));
  bool is_here = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(begins)) is_here = true;
    if (is_here && line.starts_with("Rss:")) return std::stoul(line.substr(4));
  }
  return 0;
}

// As often as it takes for the collected ranges to be looked at.
void release_all(std::span<std::byte> bytes) {
  for (int i = 0; i < 32; ++i) release_file_pages(bytes.data(), bytes.size());
}

class FilePages : public testing::Test {
 protected:
  FilePages() : file_(std::tmpfile()) {
    const std::string text(kBytes, 'w');
    std::fwrite(text.data(), 1, text.size(), file_);
    std::fflush(file_);
  }
  ~FilePages() override {
    if (memory_ != nullptr) munmap(memory_, kBytes);
    std::fclose(file_);
  }

  std::span<std::byte> map(int protection, int flags) {
    memory_ = mmap(nullptr, kBytes, protection, flags, (flags & MAP_ANONYMOUS) != 0 ? -1 : fileno(file_), 0);
    return {static_cast<std::byte*>(memory_), kBytes};
  }

  std::FILE* file_;
  void* memory_ = nullptr;
};

bool is_all(std::span<const std::byte> bytes, char c) {
  return std::ranges::all_of(bytes, [&](std::byte b) { return b == static_cast<std::byte>(c); });
}

TEST_F(FilePages, OfAFileToBeReadAreReleasedAndComeBack) {
  const auto bytes = map(PROT_READ, MAP_SHARED);
  ASSERT_TRUE(is_all(bytes, 'w'));
  if (resident(memory_) < kBytes / 1024) GTEST_SKIP() << "nothing says here what is in memory: an emulator's smaps";
  release_all(bytes.subspan(100, kBytes - 200));
  EXPECT_LT(resident(memory_), 1024U);
  EXPECT_TRUE(is_all(bytes, 'w'));
}

TEST_F(FilePages, OfAMatrixThatIsReadInPlaceAreReleasedByEachContextThatReadsIt) {
  const auto bytes = map(PROT_READ, MAP_SHARED);
  ASSERT_TRUE(is_all(bytes, 'w'));
  if (resident(memory_) < kBytes / 1024) GTEST_SKIP() << "nothing says here what is in memory: an emulator's smaps";
  ggml_tensor weights{};
  weights.type = GGML_TYPE_I8;
  weights.data = bytes.data();
  weights.ne[0] = kBytes;
  weights.ne[1] = weights.ne[2] = weights.ne[3] = weights.nb[0] = 1;
  for (std::size_t i = 1; i < 4; ++i) weights.nb[i] = kBytes;
  for (int i = 0; i < 32; ++i) WeightCache().read_in_place(weights);
  EXPECT_LT(resident(memory_), 1024U);
  EXPECT_TRUE(is_all(bytes, 'w'));
}

TEST_F(FilePages, OfMemoryThatIsNoFilesStay) {
  const auto bytes = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  std::ranges::fill(bytes, static_cast<std::byte>('m'));
  release_all(bytes);
  EXPECT_TRUE(is_all(bytes, 'm'));
}

TEST_F(FilePages, OfAPrivateCopyStay) {
  const auto bytes = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
  std::ranges::fill(bytes, static_cast<std::byte>('p'));
  mprotect(memory_, kBytes, PROT_READ);
  release_all(bytes);
  EXPECT_TRUE(is_all(bytes, 'p'));
}

TEST_F(FilePages, OfWhatIsGoneAreNobodys) {
  const auto bytes = map(PROT_READ, MAP_SHARED);
  munmap(memory_, kBytes);
  memory_ = nullptr;
  release_all(bytes);
}

}  // namespace
}  // namespace ggml_packed
#endif
