#include "gguf/split_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <string>
#include <vector>

namespace llama {
namespace {

using internal::check_split_set;
using Paths = std::vector<std::filesystem::path>;

GgufValue number(GgufType type, int value) { return {.type = type, .text = std::to_string(value)}; }

// Three parts with the tensors "t1" … of two each; the first announces six.
struct Set {
  std::vector<GgufHeader> headers = std::vector<GgufHeader>(3);
  Paths files;

  Set() {
    for (int i = 0; i < 3; ++i) {
      headers[i].values["split.no"] = number(GgufType::Uint16, i);
      headers[i].values["split.count"] = number(GgufType::Uint16, 3);
      for (int t = 1; t <= 2; ++t) headers[i].tensors.push_back({.name = std::format("t{}", 2 * i + t)});
      files.emplace_back(std::format("folder/m-{:05}-of-00003.gguf", i + 1));
    }
    headers[0].values["split.tensors.count"] = number(GgufType::Int32, 6);
  }

  [[nodiscard]] std::string reason() const {
    const auto result = check_split_set(headers, files);
    return result ? "" : result.error().message;
  }
};

TEST(SplitSet, PassesWhatBelongsTogether) { EXPECT_EQ(Set().reason(), ""); }

TEST(SplitSet, MayHaveAFirstPartWithoutTensors) {
  Set set;
  set.headers[0].tensors.clear();
  set.headers[0].values["split.tensors.count"] = number(GgufType::Int32, 4);
  EXPECT_EQ(set.reason(), "");
}

TEST(SplitSet, MayBeOneFileThatSaysNothing) {
  Set set;
  set.headers.resize(1);
  set.headers[0].values.clear();
  set.files = {"any.gguf"};
  EXPECT_EQ(set.reason(), "");
}

TEST(SplitSet, MayBeOneFileThatHasBeenMerged) {
  Set set;
  set.headers.resize(1);
  set.headers[0].values["split.count"] = number(GgufType::Uint16, 0);
  set.files = {"merged.gguf"};
  EXPECT_EQ(set.reason(), "");
}

TEST(SplitSet, NamesWhatDoesNotFit) {
  struct Row {
    const char* told;
    void (*change)(Set&);
  };
  const std::vector<Row> rows{
      {"m-00002-of-00003.gguf': the file says it is part 3 of 3, its name says 2 of 3",
       [](Set& s) { std::swap(s.headers[1], s.headers[2]); }},
      {"part 3 of 3 stands in the place of part 2 of 3",
       [](Set& s) {
         std::swap(s.headers[1], s.headers[2]);
         std::swap(s.files[1], s.files[2]);
       }},
      {"the file says it is part 2 of 4, its name says 2 of 3",
       [](Set& s) { s.headers[1].values["split.count"] = number(GgufType::Uint16, 4); }},
      {"it is part 2 of 3 of a split model, which its name does not say", [](Set& s) { s.files[1] = "m.gguf"; }},
      {"the file says it is part 1 of 1, its name says 1 of 3",
       [](Set& s) { s.headers[0].values.erase("split.count"); }},
      {"it is no part of 'folder/m-00001-of-00003.gguf'",
       [](Set& s) { s.files[1] = "folder/other-00002-of-00003.gguf"; }},
      {"it is no part of", [](Set& s) { s.files[2] = "elsewhere/m-00003-of-00003.gguf"; }},
      {"part 1 of 3 stands in the place of part 1 of 2",
       [](Set& s) {
         s.headers.pop_back();
         s.files.pop_back();
       }},
      {"its parts hold 5 tensors, it announces 6", [](Set& s) { s.headers[2].tensors.pop_back(); }},
      {"it announces none", [](Set& s) { s.headers[0].values.erase("split.tensors.count"); }},
      {"tensor 't1' stands in two parts", [](Set& s) { s.headers[2].tensors[1].name = "t1"; }},
      {"m-00003-of-00003.gguf': metadata 'split.no' is not an unsigned 16-bit number",
       [](Set& s) { s.headers[2].values["split.no"] = number(GgufType::Uint32, 2); }},
      {"holds no tensors",
       [](Set& s) {
         for (auto& header : s.headers) header.tensors.clear();
       }},
      {"one header for each", [](Set& s) { s.files.pop_back(); }},
  };
  for (const auto& [told, change] : rows) {
    Set set;
    change(set);
    EXPECT_THAT(set.reason(), testing::HasSubstr(told));
  }
}

}  // namespace
}  // namespace llama
