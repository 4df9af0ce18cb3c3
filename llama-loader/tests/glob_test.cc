#include "hub/glob.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "hub/repo_path.h"

namespace llama::internal {
namespace {

// The plain definition, which takes exponential time: every way to divide the text among the wildcards.
bool matches_by_definition(std::string_view pattern, std::string_view text, bool at_start = true) {
  if (pattern.empty()) return text.empty();
  const bool at_dot = at_start && text.starts_with('.');
  if (pattern.starts_with("**/") && at_start) {
    if (matches_by_definition(pattern.substr(3), text, true)) return true;
    const std::size_t slash = text.find('/');
    return !at_dot && slash != std::string_view::npos && matches_by_definition(pattern, text.substr(slash + 1), true);
  }
  if (pattern == "**" && at_start) {
    for (std::size_t at = 0;; at = text.find('/', at) + 1) {
      if (text.substr(at).starts_with('.')) return false;
      if (!text.substr(at).contains('/')) return true;
    }
  }
  if (pattern.front() == '*') {
    if (at_dot) return false;
    for (std::size_t taken = 0;; ++taken) {
      if (matches_by_definition(pattern.substr(1), text.substr(taken), false)) return true;
      if (taken == text.size() || text[taken] == '/') return false;
    }
  }
  if (text.empty()) return false;
  const bool same = pattern.front() == '?' ? text.front() != '/' && !at_dot : pattern.front() == text.front();
  return same && matches_by_definition(pattern.substr(1), text.substr(1), text.front() == '/');
}

TEST(Glob, MatchesNames) {
  struct Match {
    const char* pattern;
    std::vector<const char*> yes, no;
  };
  const std::vector<Match> table{
      {"data/*.csv", {"data/a.csv", "data/a.b.csv"}, {"data/a.csvx", "data/x/a.csv", "a.csv", "data/.a.csv"}},
      {"*", {"a", "ä"}, {"a/b", ".a"}},
      {".*", {".a"}, {"a"}},
      {"**", {"a", "a/b", "a/b/c"}, {".a", "a/.b", ".a/b"}},
      {"**/x", {"x", "a/x", "a/b/x"}, {"ax", "a/bx", "x/a"}},
      {"a/**/x", {"a/x", "a/b/x", "a/b/c/x"}, {"ax", "x", "b/a/x"}},
      {"a/**", {"a/b", "a/b/c"}, {"b/a", "ab", "a"}},
      {"**/a/**/b", {"a/b", "x/a/y/b", "a/a/b"}, {"a", "b", "ab", "b/a"}},
      {"?.csv", {"a.csv", "ä.csv", "名.csv"}, {".csv", "ab.csv", "/.csv"}},
      {"[a-c]", {"a", "b", "c"}, {"d", "-", "ab"}},
      {"[!a-c]", {"d", "-", "ä"}, {"a", "b"}},
      {"[^a]", {"b"}, {"a"}},
      {"[]a]", {"]", "a"}, {"b"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"[ä-ö]", {"ä", "ö"}, {"a", "ü"}},
      {"[ab", {"[ab"}, {"a", "b"}},
      {"x[", {"x["}, {"x"}},
      {"train-*-of-*.parquet", {"train-00000-of-00010.parquet"}, {"train-of-1.parquet", "train-0-of-1.csv"}},
      {"a*b*c", {"abc", "aXbYc", "abbcc"}, {"ab", "acb"}},
  };
  for (const Match& row : table) {
    for (const char* name : row.yes) EXPECT_TRUE(glob_matches(row.pattern, name)) << row.pattern << " " << name;
    for (const char* name : row.no) EXPECT_FALSE(glob_matches(row.pattern, name)) << row.pattern << " " << name;
  }
}

TEST(Glob, IsWhatTheDefinitionSays) {
  std::mt19937 random(24);
  const auto text_of = [&](std::string_view letters, std::size_t most) {
    std::string text;
    for (std::size_t n = random() % most; n > 0; --n) text += letters[random() % letters.size()];
    return text;
  };
  std::size_t matches = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string pattern = text_of("ab/.*?", 8);
    const std::string name = text_of("ab/.", 8);
    if (random() % 3 == 0) pattern.insert(0, "**/");
    if (random() % 5 == 0) pattern += "/**";
    if (!check_glob(pattern) || !is_safe_path(pattern) || !is_safe_path(name)) continue;
    const bool expected = matches_by_definition(pattern, name);
    matches += expected ? 1 : 0;
    ASSERT_EQ(glob_matches(pattern, name), expected) << pattern << " " << name;
  }
  EXPECT_GT(matches, 2000u);
}

TEST(Glob, TakesNoLongerForPatternsOfManyStars) {
  std::string pattern, name(1000, 'a');
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", name)) << "tried in every way this would end after the sun does";
  std::string folders, path;
  for (int i = 0; i < 100; ++i) folders += "**/a/", path += "a/";
  EXPECT_FALSE(glob_matches(folders + "b", path + "c"));
}

TEST(Glob, TellsWhichFolderHasAllMatches) {
  for (const auto& [pattern, folder] : {std::pair("data/en/*.csv", "data/en"),
                                        {"*.csv", ""},
                                        {"data/x.csv", "data"},
                                        {"data/**/x", "data"},
                                        {"d[a]ta/x/y", ""},
                                        {"a/b?/c", "a"},
                                        {"", ""}})
    EXPECT_EQ(fixed_folder(pattern), folder) << pattern;
}

TEST(Glob, AllowsDoubleStarsForWholeFoldersOnly) {
  for (const char* good : {"**", "**/x", "a/**", "a/**/b", "*", ""}) EXPECT_TRUE(check_glob(good)) << good;
  for (const char* bad : {"a**", "**b", "a/**b/c", "***"})
    EXPECT_EQ(check_glob(bad).error().code, ErrorCode::InvalidArgument) << bad;
}

TEST(NaturalOrder, IsWhatPeopleExpect) {
  const std::vector<std::string> sorted{"a",
                                        "a/1",
                                        "a/2",
                                        "a/10",
                                        "a/b/1",
                                        "a-1",
                                        "part-1.csv",
                                        "part-02.csv",
                                        "part-2.csv",
                                        "part-9.csv",
                                        "part-010.csv",
                                        "part-10.csv",
                                        "part-11.csv",
                                        "part-100.csv",
                                        "part-99999999999999999999998.csv",
                                        "part-99999999999999999999999.csv",
                                        "part-a.csv",
                                        "x",
                                        "ä"};
  std::vector<std::string> names = sorted;
  std::mt19937 random(24);
  for (int i = 0; i < 50; ++i) {
    std::ranges::shuffle(names, random);
    std::ranges::sort(names, natural_less);
    EXPECT_EQ(names, sorted);
  }
  EXPECT_FALSE(natural_less("a1", "a1"));
}

TEST(GlobDistance, IsTheEditsThatAreMissing) {
  EXPECT_EQ(glob_distance("data/*.parquet", "data/train-0.parquet"), 0u);
  EXPECT_EQ(glob_distance("data/*.parqet", "data/train-0.parquet"), 1u);
  EXPECT_EQ(glob_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(glob_distance("", "abc"), 3u);
  EXPECT_EQ(glob_distance("abc", ""), 3u);
  EXPECT_EQ(glob_distance("?a*", "xa"), 0u);
}

}  // namespace
}  // namespace llama::internal
