#include "hub/repo_path.h"

#include <gtest/gtest.h>

#include <string>

namespace llama::internal {
namespace {

TEST(RepoPath, AcceptsFileNamesAndNothingElse) {
  for (const char* good : {"model.gguf", "BF16/model-00001-of-00002.gguf", "a/b/c.txt", ".gitattributes", "名前.gguf",
                           "with space.gguf", "..a"}) {
    EXPECT_TRUE(is_safe_path(good)) << good;
  }
  for (const char* bad : {"", "/a", "a/", "a//b", "../a", "a/../b", "a/..", ".", "a/./b", "a\\b", "c:a", "C:", "a\nb",
                          "a\x7f", "\xff", "\xed", "a/\xc3"}) {
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  }
  EXPECT_FALSE(is_safe_path(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(256, 'x')));
  EXPECT_TRUE(is_safe_path(std::string(255, 'x')));
}

TEST(RepoPath, KnowsRepositories) {
  for (const char* good : {"Qwen/Qwen3-Embedding-0.6B-GGUF", "a/b", "a_b/c.d"}) EXPECT_TRUE(is_repo_name(good)) << good;
  for (const char* bad : {"", "a", "a/b/c", "/a", "a/", "../a", "a/..", "a/.b", "-a/b", "a b/c", "a/b?c", "a/b#c",
                          "a/b%2f", "ä/b", "a/b..c"})
    EXPECT_FALSE(is_repo_name(bad)) << bad;
}

TEST(RepoPath, KnowsRevisions) {
  for (const char* good : {"main", "v1.0", "refs/pr/12", "0123456789abcdef0123456789abcdef01234567"})
    EXPECT_TRUE(is_revision(good)) << good;
  for (const char* bad : {"", "../x", "a b", "-x", "/x", "a\\b", "a\n"}) EXPECT_FALSE(is_revision(bad)) << bad;
}

TEST(RepoPath, KnowsDigests) {
  EXPECT_TRUE(is_hex("00ff", 4));
  for (const char* bad : {"00f", "00FF", "00fg", "../x", ""}) EXPECT_FALSE(is_hex(bad, 4)) << bad;
}

}  // namespace
}  // namespace llama::internal
