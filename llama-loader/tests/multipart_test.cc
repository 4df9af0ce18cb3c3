#include "llama-loader/multipart.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llama {
namespace {

TEST(PartName, ReadsBaseIndexAndCount) {
  const auto part = parse_part_name("sub/m-Q8_0-00002-of-00003.gguf");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->base, "sub/m-Q8_0");
  EXPECT_EQ(part->index, 2);
  EXPECT_EQ(part->count, 3);
  EXPECT_EQ(part->name_of(1), "sub/m-Q8_0-00001-of-00003.gguf");
  EXPECT_EQ(part->all_names().size(), 3u);
}

TEST(PartName, KeepsTheEndingAsItIsWritten) {
  const auto part = parse_part_name("M-00001-of-00002.GGUF");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->all_names(), (std::vector<std::string>{"M-00001-of-00002.GGUF", "M-00002-of-00002.GGUF"}));
}

TEST(PartName, RefusesOtherNames) {
  for (const char* name :
       {"model.gguf", "m-part1-of-3.gguf", "m-00001-of-00003.bin", "m-001-of-003.gguf", "m-00000-of-00003.gguf",
        "m-00004-of-00003.gguf", "-00001-of-00001.gguf", "m-0000a-of-00003.gguf", "m--0001-of-00003.gguf"}) {
    EXPECT_FALSE(parse_part_name(name)) << name;
  }
}

// As sha256sum says it of the lines.
TEST(PartsDigest, IsThatOfTheLinesAndASingleFilesItsOwn) {
  const std::string a(64, 'a'), b(64, 'b');
  EXPECT_EQ(sha256_of_parts(std::vector{a}), a);
  EXPECT_EQ(sha256_of_parts(std::vector{a, b}), "913f9338fb6c17253f3a14816fc08d52522454bfc19a8c99538a197cfb23fb41");
  EXPECT_NE(sha256_of_parts(std::vector{a, b}), sha256_of_parts(std::vector{b, a}));
}

}  // namespace
}  // namespace llama
