#include "piece_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace llama::internal {
namespace {

std::map<std::size_t, std::int32_t> prefixes(const PieceTrie& trie, std::string_view text) {
  std::map<std::size_t, std::int32_t> found;
  trie.prefixes(text, [&](std::size_t length, std::int32_t value) { found[length] = value; });
  return found;
}

TEST(PieceTrie, FindsAllStringsThatFit) {
  const auto trie = PieceTrie::build({{"a", 1}, {"abc", 2}, {"b", 3}, {"", 4}, {"a", 5}}).value();
  EXPECT_EQ(prefixes(trie, "abcd"), (std::map<std::size_t, std::int32_t>{{1, 5}, {3, 2}}));
  EXPECT_EQ(trie.find("abc"), 2);
  EXPECT_EQ(trie.find("ab"), std::nullopt);
  EXPECT_EQ(trie.find(""), std::nullopt);
  EXPECT_EQ(prefixes(PieceTrie(), "a").size(), 0u);
  EXPECT_EQ(prefixes(PieceTrie::build({}).value(), "a").size(), 0u);
}

TEST(PieceTrie, AgreesWithAMap) {
  std::mt19937 random(3);
  const auto some = [&](std::size_t longest) {
    std::string s(1 + random() % longest, '\0');
    // All bytes now and then, few of them mostly.
    for (char& c : s) c = static_cast<char>(random() % 8 == 0 ? random() % 256 : 'a' + random() % 4);
    return s;
  };
  std::map<std::string, std::int32_t> all;
  for (std::int32_t i = 0; i < 30'000; ++i) all[some(9)] = i;
  std::vector<PieceTrie::Entry> entries;
  for (const auto& [string, value] : all) entries.push_back({string, value});
  std::ranges::shuffle(entries, random);
  const auto trie = PieceTrie::build(entries).value();
  for (const auto& [string, value] : all) ASSERT_EQ(trie.find(string), value);
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = some(12);
    std::map<std::size_t, std::int32_t> expected;
    for (std::size_t length = 1; length <= text.size(); ++length) {
      if (const auto at = all.find(text.substr(0, length)); at != all.end()) expected[length] = at->second;
    }
    ASSERT_EQ(prefixes(trie, text), expected);
  }
}

}  // namespace
}  // namespace llama::internal
