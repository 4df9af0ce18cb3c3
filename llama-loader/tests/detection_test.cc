#include "llama-loader/detection.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace llama {
namespace {

struct Row {
  const char* name;
  std::vector<std::string> files;
  std::vector<std::string> chosen;  // empty: an error
};

const std::vector<Row> kRows{
    {"the only model", {"model.gguf", "README.md"}, {"model.gguf"}},
    {"BF16 first", {"m-Q8_0.gguf", "m-BF16.gguf", "m-f16.gguf"}, {"m-BF16.gguf"}},
    {"then F16", {"m-Q8_0.gguf", "m-f16.gguf"}, {"m-f16.gguf"}},
    {"then Q8_0", {"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, {"m-Q8_0.gguf"}},
    {"no substring matches", {"m-UD-Q4_K_XL.gguf", "m-Q4_K_M.gguf"}, {"m-Q4_K_M.gguf"}},
    {"else by name", {"b.gguf", "a.gguf"}, {"a.gguf"}},
    {"no projector", {"mmproj-BF16.gguf", "m-Q8_0.gguf"}, {"m-Q8_0.gguf"}},
    {"no importance matrix", {"a-imatrix.gguf", "m.gguf"}, {"m.gguf"}},
    {"all parts",
     {"m-00002-of-00002.gguf", "m-00001-of-00002.gguf"},
     {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}},
    {"a part missing", {"m-00001-of-00002.gguf"}, {}},
    {"the first part missing", {"m-00002-of-00002.gguf"}, {}},
    {"nothing", {"README.md"}, {}},
    {"only a projector", {"mmproj-F16.gguf"}, {}},
};

TEST(Detection, ChoosesByTheRulesWhateverTheOrder) {
  for (const Row& row : kRows) {
    std::vector<std::string> files = row.files;
    std::ranges::sort(files);
    do {
      const auto chosen = choose_model_files(files, std::nullopt);
      if (row.chosen.empty()) {
        EXPECT_FALSE(chosen) << row.name;
      } else {
        ASSERT_TRUE(chosen) << row.name;
        EXPECT_EQ(*chosen, row.chosen) << row.name;
      }
    } while (std::ranges::next_permutation(files).found);
  }
}

TEST(Detection, TakesTheNamedFile) {
  EXPECT_EQ(choose_model_files({"a.gguf", "b-BF16.gguf"}, "a.gguf"), std::vector<std::string>{"a.gguf"});
}

TEST(Detection, ReadsAnyPartAsTheWholeModel) {
  const std::vector<std::string> files{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"};
  EXPECT_EQ(choose_model_files(files, "m-00002-of-00002.gguf"), files);
}

TEST(Detection, NamesWhatIsThereWhenTheFileIsNot) {
  const auto chosen = choose_model_files({"a.gguf"}, "b.gguf");
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("a.gguf"), std::string::npos);
}

}  // namespace
}  // namespace llama
