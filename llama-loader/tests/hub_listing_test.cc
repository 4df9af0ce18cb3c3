#include "hub/hub_listing.h"

#include <gtest/gtest.h>

namespace llama::internal {
namespace {

const std::string kSha256(64, 'a');
const std::string kSha1(40, 'b');

TEST(HubListing, ReadsFilesAndLeavesOutWhatMakesNoSense) {
  HubRepository repository;
  const std::string page = R"([
    {"type": "directory", "path": "BF16", "size": 0, "oid": "x"},
    {"type": "file", "path": "README.md", "size": 7, "oid": ")" +
                           kSha1 + R"("},
    {"type": "file", "path": "m.gguf", "size": 9, "oid": ")" +
                           kSha1 + R"(", "lfs": {"oid": ")" + kSha256 +
                           R"(", "size": 9}, "lastCommit": {"date": "2026-01-31T12:34:56.000Z"}},
    {"type": "file", "path": "../m.gguf", "size": 9, "oid": ")" +
                           kSha1 + R"("},
    {"type": "file", "path": "n.gguf", "size": -9, "oid": ")" +
                           kSha1 + R"("},
    {"type": "file", "path": "o.gguf", "size": 9, "lfs": {"oid": "../../etc/passwd", "size": 9}},
    {"type": "file"}, {}, 5, null, [] ])";
  ASSERT_TRUE(add_tree_page(page, repository));
  ASSERT_EQ(repository.files.size(), 2u);
  EXPECT_EQ(repository.left_out, 4u);
  EXPECT_EQ(repository.left_out_names, (std::vector<std::string>{"../m.gguf", "n.gguf", "o.gguf", ""}));
  EXPECT_EQ(repository.files[0].git_sha1, kSha1);
  EXPECT_EQ(repository.files[1].sha256, kSha256);
  EXPECT_EQ(repository.files[1].modified, 1'769'862'896);
}

TEST(HubListing, RefusesWhatIsNoList) {
  HubRepository repository;
  for (const char* text : {"", "{}", "<html>", "[", "null", "\"x\""})
    EXPECT_EQ(add_tree_page(text, repository).error().code, ErrorCode::Network) << text;
  for (const char* text : {"", "{}", "[]", R"({"sha": "abc"})", R"({"sha": 5})", "<html>"})
    EXPECT_FALSE(commit_in(text)) << text;
  EXPECT_EQ(commit_in(R"({"sha": ")" + kSha1 + "\"}").value(), kSha1);
}

TEST(HubListing, FindsTheNextPage) {
  EXPECT_EQ(next_page(R"(<https://hub/x?cursor=1>; rel="next")"), "https://hub/x?cursor=1");
  EXPECT_EQ(next_page(R"(<https://hub/0>; rel="prev", <https://hub/2>; rel="next")"), "https://hub/2");
  for (const char* none : {"", "nonsense", "<", "<a", R"(<https://hub/0>; rel="prev")"})
    EXPECT_EQ(next_page(none), "") << none;
}

TEST(HubListing, ReadsTimes) {
  EXPECT_EQ(parse_time("1970-01-02T00:00:00Z"), 86400);
  for (const char* none : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "1960-01-01T00:00:00Z"})
    EXPECT_EQ(parse_time(none), 0) << none;
}

}  // namespace
}  // namespace llama::internal
