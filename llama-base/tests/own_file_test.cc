#include "llama-base/own_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

namespace llama::internal {
namespace {

// As a program has them that was started as `/lib64/ld-linux-x86-64.so.2 ./llama-cli`.
constexpr const char* kMaps =
    "55d0a0000000-55d0a0a00000 r--p 00000000 fd:00 11                         /opt/my bundle/bin/llama-cli\n"
    "55d0a0a00000-55d0a1000000 r-xp 00a00000 fd:00 11                         /opt/my bundle/bin/llama-cli\n"
    "55d0a2000000-55d0a2021000 rw-p 00000000 00:00 0                          [heap]\n"
    "7f0000000000-7f0000026000 r-xp 00001000 fd:00 12                         /usr/lib/ld-linux-x86-64.so.2\n"
    "7f0000100000-7f0000102000 rw-p 00000000 00:00 0 \n";

std::string file_at(std::uintptr_t address, const char* maps = kMaps) {
  std::istringstream lines(maps);
  return mapped_file(lines, address).string();
}

TEST(MappedFile, IsTheOneThatHoldsTheAddress) {
  EXPECT_EQ(file_at(0x55d0a0a00000), "/opt/my bundle/bin/llama-cli");
  EXPECT_EQ(file_at(0x55d0a0ffffff), "/opt/my bundle/bin/llama-cli");
  EXPECT_EQ(file_at(0x7f0000000010), "/usr/lib/ld-linux-x86-64.so.2");
}

TEST(MappedFile, IsNoneWhereNoFileIsMapped) {
  EXPECT_EQ(file_at(0x55d0a1000000), "");
  EXPECT_EQ(file_at(0x55d0a2000010), "");  // the heap
  EXPECT_EQ(file_at(0x7f0000100010), "");
  EXPECT_EQ(file_at(1, "no list of mappings\n\n-\n"), "");
  EXPECT_EQ(file_at(1, ""), "");
}

TEST(OwnFile, IsTheProgramThatThisIsLinkedInto) {
  EXPECT_EQ(own_file(), std::filesystem::read_symlink("/proc/self/exe"));
}

TEST(OwnFile, IsKnownWithoutProc) { EXPECT_EQ(loaded_file(), std::filesystem::read_symlink("/proc/self/exe")); }

}  // namespace
}  // namespace llama::internal
