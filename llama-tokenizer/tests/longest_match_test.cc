#include "longest_match.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace llama::internal {
namespace {

TEST(LongestMatch, FindsTheLongestOfThoseThatFit) {
  LongestMatch strings;
  EXPECT_TRUE(strings.add("a", 1));
  EXPECT_TRUE(strings.add("abc", 2));
  EXPECT_TRUE(strings.add("b", 3));
  EXPECT_EQ(strings.find("abd")->value, 1);
  EXPECT_EQ(strings.find("abcd")->value, 2);
  EXPECT_EQ(strings.find("abcd")->length, 3u);
  EXPECT_FALSE(strings.find("c"));
  EXPECT_FALSE(strings.find(""));
}

TEST(LongestMatch, KeepsTheFirstOfEqualStringsAndIgnoresEmptyOnes) {
  LongestMatch strings;
  EXPECT_TRUE(strings.add("", 0));
  EXPECT_TRUE(strings.empty());
  EXPECT_TRUE(strings.add("x", 1));
  EXPECT_TRUE(strings.add("x", 2));
  EXPECT_EQ(strings.find("x")->value, 1);
}

TEST(LongestMatch, AgreesWithTryingEveryString) {
  std::mt19937 random(7);
  LongestMatch strings;
  std::vector<std::string> all;
  const auto some = [&](std::size_t longest) {
    std::string s(1 + random() % longest, 'a');
    for (char& c : s) c = static_cast<char>('a' + random() % 3);
    return s;
  };
  for (int i = 0; i < 2000; ++i) {
    all.push_back(some(9));
    EXPECT_TRUE(strings.add(all.back(), i));
  }
  for (int i = 0; i < 2000; ++i) {
    const std::string text = some(12);
    std::size_t longest = 0;
    for (const auto& s : all) {
      if (text.starts_with(s)) longest = std::max(longest, s.size());
    }
    const auto found = strings.find(text);
    EXPECT_EQ(found ? found->length : 0, longest);
    if (found) EXPECT_EQ(all[static_cast<std::size_t>(found->value)].size(), longest);
  }
}

}  // namespace
}  // namespace llama::internal
