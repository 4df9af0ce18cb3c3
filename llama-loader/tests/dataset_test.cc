#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "hub/dataset_choice.h"
#include "hub/repo_kind.h"
#include "llama-loader/dataset_files.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RepoKind, IsInTheName) {
  using namespace internal;
  EXPECT_EQ(kind_of("org/model"), RepoKind::Model);
  EXPECT_EQ(kind_of("datasets/org/name"), RepoKind::Dataset);
  EXPECT_EQ(kind_of("datasets/name"), RepoKind::Model) << "an organization of this name";
  EXPECT_EQ(dataset_repo("org/name"), "datasets/org/name");
  EXPECT_EQ(api_path("org/model"), "models/org/model");
  EXPECT_EQ(api_path("datasets/org/name"), "datasets/org/name");
  EXPECT_EQ(client_cache_name("org/model"), "models--org--model");
  EXPECT_EQ(client_cache_name("datasets/org/name"), "datasets--org--name");
  EXPECT_EQ(described("org/model"), "repository 'org/model'");
  EXPECT_EQ(described("datasets/org/name"), "data set 'org/name'");
  for (const char* good : {"a/b", "datasets/a/b", "datasets/a"}) EXPECT_TRUE(is_repository(good)) << good;
  for (const char* bad : {"datasets/a/b/c", "datasets/../b", "a/b/c", "datasets//b"})
    EXPECT_FALSE(is_repository(bad)) << bad;
}

// What huggingface_hub makes of the same is compared in hub_dataset_test.py.
TEST(DatasetUri, IsTakenApart) {
  struct Parts {
    const char *uri, *repo, *revision, *pattern;
  };
  for (const Parts& row :
       {Parts{"hf://datasets/o/n", "o/n", "main", ""},
        {"hf://datasets/o/n/", "o/n", "main", ""},
        {"hf://datasets/o/n/data/*.csv", "o/n", "main", "data/*.csv"},
        {"hf://datasets/o/n@v1.0/a.csv", "o/n", "v1.0", "a.csv"},
        {"hf://datasets/o/n@v1.0", "o/n", "v1.0", ""},
        {"hf://datasets/o/n@feature%2Fx/a.csv", "o/n", "feature/x", "a.csv"},
        {"hf://datasets/o/n@100%/a.csv", "o/n", "100%", "a.csv"},
        {"hf://datasets/o/n@100%25/a.csv", "o/n", "100%", "a.csv"},
        {"hf://datasets/o/n@refs/convert/parquet/a/b.parquet", "o/n", "refs/convert/parquet", "a/b.parquet"},
        {"hf://datasets/o/n@refs%2Fconvert%2Fparquet/a", "o/n", "refs/convert/parquet", "a"},
        {"hf://datasets/o/n@refs/convert/duckdb.v-1", "o/n", "refs/convert/duckdb.v-1", ""},
        {"hf://datasets/o/n@refs/pr/12/a.csv", "o/n", "refs/pr/12", "a.csv"},
        {"hf://datasets/o/n@refs/heads/x", "o/n", "refs", "heads/x"},
        {"hf://datasets/o/n@~parquet/**", "o/n", "refs/convert/parquet", "**"},
        {"hf://datasets/o/n/a@b/c@d.csv", "o/n", "main", "a@b/c@d.csv"},
        {"hf://datasets/o/n@v1/a@b.csv", "o/n", "v1", "a@b.csv"},
        {"hf://datasets/o/n/a%20b.csv", "o/n", "main", "a%20b.csv"},
        {"hf://datasets/datasets/n/x", "datasets/n", "main", "x"}}) {
    const auto source = parse_dataset_uri(row.uri);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->repo, row.repo) << row.uri;
    EXPECT_EQ(source->revision, row.revision) << row.uri;
    EXPECT_EQ(source->pattern, row.pattern) << row.uri;
    const auto again = parse_dataset_uri(source->to_string());
    ASSERT_TRUE(again) << source->to_string();
    EXPECT_EQ(std::tie(again->repo, again->revision, again->pattern),
              std::tie(source->repo, source->revision, source->pattern))
        << source->to_string();
  }
}

TEST(DatasetUri, IsToldFromFiles) {
  for (const char* uri : {"hf://datasets/o/n", "hf://", "hf://o/n"}) EXPECT_TRUE(is_dataset_uri(uri)) << uri;
  for (const char* file : {"", "hf:/x", "data.csv", "https://example.com/x.csv", "HF"})
    EXPECT_FALSE(is_dataset_uri(file)) << file;
}

std::vector<HubFile> files_of(const std::vector<std::string>& names) {
  std::vector<HubFile> files;
  for (const auto& name : names) files.push_back({.path = name, .size_bytes = 1, .git_sha1 = std::string(40, 'b')});
  return files;
}

std::vector<std::string> selected(const std::vector<std::string>& names, std::string_view pattern,
                                  std::vector<std::string>* left_out = nullptr) {
  const auto choice = internal::select_files(files_of(names), pattern);
  std::vector<std::string> paths;
  for (const auto& file : choice.files) paths.push_back(file.path);
  if (left_out != nullptr) *left_out = choice.left_out;
  return paths;
}

TEST(DatasetChoice, AFolderMeansItsTablesOfTheFirstKind) {
  std::vector<std::string> left_out;
  const std::vector<std::string> all{"README.md",  "x.txt",        "x.json",     "x.tsv",      "x.csv",
                                     "x.JSONL.gz", "y.ndjson.zst", "x.feather",  "x.arrow",    "p.parquet",
                                     "q.PARQUET",  "z.parquet.gz", "_x.parquet", ".x.parquet", "a/_/x.parquet"};
  EXPECT_THAT(selected(all, "", &left_out), ElementsAre("p.parquet", "q.PARQUET"));
  EXPECT_EQ(left_out.size(), 8u);
  std::vector<std::string> fewer = all;
  const std::vector<std::vector<std::string>> kinds{{"p.parquet", "q.PARQUET"},
                                                    {"x.arrow", "x.feather"},
                                                    {"x.JSONL.gz", "y.ndjson.zst"},
                                                    {"x.csv"},
                                                    {"x.tsv"},
                                                    {"x.json"},
                                                    {"x.txt"},
                                                    {}};
  for (const auto& kind : kinds) {
    EXPECT_EQ(selected(fewer, ""), kind);
    std::erase_if(fewer, [&](const std::string& name) { return std::ranges::contains(kind, name); });
  }
}

TEST(DatasetChoice, AFolderIsNotTheBeginningOfAName) {
  EXPECT_THAT(selected({"data/a.csv", "data2/a.csv", "data.csv", "x/data/a.csv"}, "data"), ElementsAre("data/a.csv"));
  EXPECT_THAT(selected({"_data/a.csv", "_data/_b.csv"}, "_data"), ElementsAre("_data/a.csv")) << "it was named";
  EXPECT_THAT(selected({"a*/x.csv", "ab/x.csv"}, "a*"), ElementsAre("a*/x.csv")) << "a name before a pattern";
  EXPECT_THAT(selected({"a*", "ab"}, "a*"), ElementsAre("a*"));
}

TEST(DatasetChoice, SaysWhatThereIsWhereNothingMatches) {
  HubRepository repository{.repo = "datasets/org/n", .revision = "v1", .commit = std::string(40, 'c')};
  EXPECT_EQ(internal::no_match(repository, "x").message, "data set 'org/n' has no files at revision 'v1'");
  repository.files = files_of({"README.md", "data/train-0.parquet", "data/train-1.parquet", "x/y.csv", "z.bin"});
  EXPECT_EQ(internal::no_match(repository, "data/*.parqet").message,
            "data set 'org/n' has 5 files at revision 'v1', and none that 'data/*.parqet' means; the nearest: "
            "data/train-0.parquet, data/train-1.parquet, x/y.csv");
  EXPECT_THAT(internal::no_match(repository, "x/z.csv").message, HasSubstr("the nearest: x/y.csv, "));
}

TEST(DatasetManifest, AnswersThePatternsThatItWasAskedFor) {
  internal::Manifest manifest{.repo = "datasets/o/n",
                              .endpoint = "https://hub",
                              .commit = std::string(40, 'a'),
                              .revisions = {{"main data/*.csv", 5}, {"v1 data", 9}},
                              .files = {}};
  for (const char* path : {"data/1.csv", "data/2.csv"})
    manifest.files.push_back({.path = path, .size_bytes = 1, .digest = {}, .fingerprint = {}});
  const auto since = [&](const char* revision, const char* pattern, const char* repo = "datasets/o/n") {
    return internal::answers_since(manifest,
                                   {.repo = repo, .endpoint = "https://hub", .revision = revision, .pattern = pattern});
  };
  EXPECT_EQ(since("main", "data/*.csv"), 5);
  EXPECT_EQ(since("v1", "data"), 9);
  EXPECT_EQ(since("main", "data/2.csv"), 5) << "one of them";
  EXPECT_EQ(since("main", "data"), std::nullopt) << "asked of v1 alone";
  EXPECT_EQ(since("v1", "data/*.csv"), std::nullopt);
  EXPECT_EQ(since("main", "data/3.csv"), std::nullopt);
  EXPECT_EQ(since("mai", "data/2.csv"), std::nullopt);
  EXPECT_EQ(since("main", "data/*.csv", "o/n"), std::nullopt) << "the model of this name";
}

TEST(DatasetManifest, KeepsNamesOfItsOwnFromThoseOfFiles) {
  const auto place = [](const char* path) { return internal::file_place("/f", path).string(); };
  EXPECT_EQ(place("data/a.csv"), "/f/data/a.csv");
  EXPECT_EQ(place("manifest.json"), "/f/%manifest.json");
  EXPECT_EQ(place("%manifest.json"), "/f/%%manifest.json");
  EXPECT_EQ(place(".last_used"), "/f/%.last_used");
  EXPECT_EQ(place("manifest.json/x.csv"), "/f/%manifest.json/x.csv");
  EXPECT_EQ(place("data/manifest.json"), "/f/data/manifest.json");
  EXPECT_EQ(place("%x"), "/f/%x");
}

}  // namespace
}  // namespace llama
